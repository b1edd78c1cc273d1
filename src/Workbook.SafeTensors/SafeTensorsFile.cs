using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using TorchSharp;
using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>An open safetensors file, mapped into memory: only the tensors that are asked for are read.</summary>
public sealed class SafeTensorsFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeTensorsHeader _header;
    private readonly long _length, _dataStart;

    private SafeTensorsFile(string path, FileStream stream)
    {
        (_path, _stream, _length) = (path, stream, stream.Length);
        Span<byte> prefix = stackalloc byte[8];
        if (stream.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false) < prefix.Length)
        {
            throw SafeTensorsFault.OfOtherKind(path, stream) ?? SafeTensorsFault.Of(path, $"it has {_length} bytes, too few for a header");
        }

        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        int first = stream.ReadByte();
        if ((headerBytes > SafeTensorsHeader.LongestBytes || first != '{') && SafeTensorsFault.OfOtherKind(path, stream) is { } other)
        {
            throw other;
        }

        stream.Position = prefix.Length;
        if (headerBytes > SafeTensorsHeader.LongestBytes || (long)headerBytes > _length - prefix.Length)
        {
            throw SafeTensorsFault.Of(path, $"its header claims {headerBytes:N0} bytes, of a file of {_length:N0} and at "
                + $"most {SafeTensorsHeader.LongestBytes:N0}");
        }

        byte[] json = new byte[headerBytes];
        stream.ReadExactly(json);
        _dataStart = prefix.Length + json.Length;
        _header = SafeTensorsHeader.Parse(path, json, _length - _dataStart);
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }
        catch
        {
            _map.Dispose();
            throw;
        }
    }

    /// <summary>The tensors' names, in the order of the header.</summary>
    public IReadOnlyCollection<string> Names => _header.Entries.Keys;

    /// <summary>The texts kept with the tensors; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    internal IReadOnlyDictionary<string, SafeTensorsEntry> Entries => _header.Entries;

    /// <summary>Copies one tensor out of the file; it belongs to the caller (or the dispose scope) and outlives the file.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>A new tensor on the CPU, of the dtype and shape that the file has.</returns>
    /// <exception cref="WorkbookException">The file has no such tensor, or one of a dtype that TorchSharp lacks; it holds a bool other than 0 and 1, was cut
    /// short since, or memory does not suffice.</exception>
    public Tensor Load(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!_header.Entries.TryGetValue(name, out SafeTensorsEntry? entry))
        {
            throw new WorkbookException($"{_path} has no tensor {SafeTensorsFault.Quoted(name)}; it has {SafeTensorsFault.List(Names)}");
        }

        if (entry.Dtype is not { } dtype)
        {
            throw new WorkbookException(
                $"{SafeTensorsFault.Quoted(name)} of {_path} is {SafeTensorsFault.Short(entry.DtypeName, 20)}, which TorchSharp lacks: "
                + $"convert it, e.g. with PyTorch's .to(torch.float32), to one of {SafeTensorsHeader.DtypeNames}");
        }

        // Touching a mapped page that is no longer in the file would end the process.
        if (_stream.Length != _length)
        {
            throw SafeTensorsFault.Of(_path, $"its length changed from {_length} to {_stream.Length} bytes while it was open");
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor tensor;
        try
        {
            tensor = empty(entry.Shape, dtype);
        }
        catch (ExternalException e)
        {
            throw new WorkbookException($"no memory for {SafeTensorsFault.Quoted(name)} of {_path}, {entry.End - entry.Begin:N0} bytes", e);
        }

        long position = _dataStart + entry.Begin;
        foreach (Tensor chunk in SafeTensors.Chunks(tensor.view(-1)))
        {
            Span<byte> bytes = chunk.bytes;
            Copy(position, bytes);
            if (dtype == ScalarType.Bool && bytes.ContainsAnyExceptInRange((byte)0, (byte)1))
            {
                throw SafeTensorsFault.Of(_path, $"{SafeTensorsFault.Quoted(name)} is bool and holds bytes other than 0 and 1");
            }

            position += bytes.Length;
        }

        return tensor.MoveToOuterDisposeScope();
    }

    /// <summary>Closes the file; loaded tensors stay.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
        _stream.Dispose();
    }

    internal static SafeTensorsFile Open(string path)
    {
        FileStream? stream = null;
        try
        {
            FileKind.RequireFile(Path.GetFullPath(path), "read");
            if (!File.Exists(path))
            {
                throw new WorkbookException($"can't read {path}: there is no such file");
            }

            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            SafeTensorsFile file = new(path, stream);
            stream = null;
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WorkbookException($"can't read {path}: {e.Message}", e);
        }
        finally
        {
            stream?.Dispose();
        }
    }

    /// <summary>By pointer: the handle's own ReadSpan copies element after element.</summary>
    private unsafe void Copy(long position, Span<byte> into)
    {
        byte* start = null;
        try
        {
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            new ReadOnlySpan<byte>(start + position, into.Length).CopyTo(into);
        }
        finally
        {
            if (start is not null)
            {
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }
    }
}
