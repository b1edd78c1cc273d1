using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Tensors in files that PyTorch, JAX and others read too (https://github.com/huggingface/safetensors): float64,
/// float32, float16, bfloat16, int64, int32, int16, int8, uint8 and bool.
/// </summary>
public static class SafeTensors
{
    /// <summary>A span can't be longer; the length of every element divides it.</summary>
    internal const long ChunkBytes = 1 << 30;

    /// <summary>Writes tensors to a file, whole or not at all: an earlier file stays until the new one is complete.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="tensors">Name → tensor of any shape, strides and device; the file keeps the order of the names.</param>
    /// <param name="metadata">Texts to keep with them.</param>
    /// <exception cref="WorkbookException">
    /// A name stands twice or is <c>__metadata__</c>, a dtype is not of the list, a tensor has no dense data, or the file
    /// can't be written.
    /// </exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tensors);
        OrderedDictionary<string, Tensor> named = [];
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (name == SafeTensorsHeader.MetadataName || !named.TryAdd(name, tensor))
            {
                throw new WorkbookException($"can't write {path}: the name {SafeTensorsFault.Quoted(name)} stands twice or is the format's own");
            }
        }

        // Readers take views of the data in place: a tensor must not begin within an element, so long elements go first.
        KeyValuePair<string, Tensor>[] laidOut = [.. named.OrderByDescending(t => BytesOf(path, t.Key, t.Value))];
        byte[] header = Header(path, named, laidOut, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach ((string name, Tensor tensor) in laidOut)
            {
                WriteData(path, stream, name, tensor);
            }
        });
    }

    /// <summary>Opens a file and checks its header; its tensors are read when they are asked for.</summary>
    /// <param name="path">The file.</param>
    /// <returns>To be disposed; as long as it is open the file must not be changed.</returns>
    /// <exception cref="WorkbookException">There is no such file, it can't be read, or it is not a sound safetensors file.</exception>
    public static SafeTensorsFile Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return SafeTensorsFile.Open(path);
    }

    private static int BytesOf(string path, string name, Tensor tensor) => SafeTensorsHeader.BytesOf(tensor.dtype)
        ?? throw new WorkbookException($"can't write {path}: {SafeTensorsFault.Quoted(name)} is {tensor.dtype}; convert it to one "
            + $"of {SafeTensorsHeader.DtypeNames}");

    private static byte[] Header(string path, OrderedDictionary<string, Tensor> named, KeyValuePair<string, Tensor>[] laidOut,
        IReadOnlyDictionary<string, string>? metadata)
    {
        Dictionary<string, long> begins = [];
        long reached = 0;
        foreach ((string name, Tensor tensor) in laidOut)
        {
            begins.Add(name, reached);
            reached += tensor.numel() * BytesOf(path, name, tensor);
        }

        SafeTensorsHeader header = new(
            new(named.Select(t => KeyValuePair.Create(t.Key, new SafeTensorsEntry(
                SafeTensorsHeader.NameOf(t.Value.dtype), t.Value.dtype, t.Value.shape, begins[t.Key], begins[t.Key]
                    + (t.Value.numel() * BytesOf(path, t.Key, t.Value)))))),
            metadata ?? new Dictionary<string, string>());
        byte[] json;
        try
        {
            // JSON itself would put another character in the place of broken ones.
            UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
            _ = header.Entries.Keys.Concat(header.Metadata.Keys).Concat(header.Metadata.Values).Sum(strict.GetByteCount);
            json = header.ToJson();
        }
        catch (ArgumentException e)
        {
            throw new WorkbookException($"can't write {path}: a name or a text of the metadata is not valid Unicode", e);
        }

        // Spaces up to a multiple of 8, as the format's own library writes it: the data then begin aligned.
        int padded = (json.Length + 7) / 8 * 8;
        if (padded > SafeTensorsHeader.LongestBytes)
        {
            throw new WorkbookException($"can't write {path}: names and metadata take {json.Length:N0} bytes, the format "
                + $"allows {SafeTensorsHeader.LongestBytes:N0}");
        }

        byte[] bytes = new byte[8 + padded];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, padded);
        json.CopyTo(bytes, 8);
        bytes.AsSpan(8 + json.Length).Fill((byte)' ');
        return bytes;
    }

    private static void WriteData(string path, Stream stream, string name, Tensor tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor flat;
        try
        {
            flat = tensor.detach().cpu().contiguous().resolve_neg().reshape(-1);
        }
        catch (ExternalException e)
        {
            throw new WorkbookException($"can't write {path}: {SafeTensorsFault.Quoted(name)} has no dense data to copy; make it a dense tensor on the CPU", e);
        }

        foreach (Tensor chunk in Chunks(flat))
        {
            stream.Write(chunk.bytes);
        }
    }

    /// <summary>Views of a flat tensor, none longer than a span can be; none at all of an empty one.</summary>
    internal static IEnumerable<Tensor> Chunks(Tensor flat)
    {
        long elements = ChunkBytes / flat.ElementSize, total = flat.numel();
        for (long start = 0; start < total; start += elements)
        {
            yield return flat.narrow(0, start, Math.Min(elements, total - start));
        }
    }
}
