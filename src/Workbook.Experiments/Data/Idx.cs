using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Workbook;

/// <summary>The content of an IDX file of bytes.</summary>
/// <param name="Dimensions">One number for labels; count, rows, columns for images.</param>
/// <param name="Data">The bytes after the header, row-major.</param>
/// <param name="Hash">SHA-256 of the whole uncompressed file.</param>
internal sealed record IdxFile(int[] Dimensions, byte[] Data, byte[] Hash);

/// <summary>Reads MNIST's file format (http://yann.lecun.com/exdb/mnist/), plain or gzip by content, not by name.</summary>
internal static class Idx
{
    private const int ImagesMagic = 0x803;
    private const int LabelsMagic = 0x801;

    /// <summary>More than 1.3 million images of 28 × 28: what claims more would rather fill the memory than be a data set.</summary>
    private const long MostBytes = 1L << 30;

    /// <summary>Beyond this the content is counted before it is kept: a file of a few kilobytes can unpack to gigabytes.</summary>
    private const long MostUncounted = 1L << 26;

    /// <summary>Reads images [count, rows, columns].</summary>
    /// <exception cref="WorkbookException">The file can't be read or isn't what it should be.</exception>
    public static IdxFile ReadImages(string path) => Read(path, ImagesMagic, 3, "images");

    /// <summary>Reads labels [count], each 0 to 9.</summary>
    /// <exception cref="WorkbookException">The file can't be read or isn't what it should be.</exception>
    public static IdxFile ReadLabels(string path)
    {
        IdxFile file = Read(path, LabelsMagic, 1, "labels");
        int bad = file.Data.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)9);
        return bad < 0 ? file : throw new WorkbookException(
            $"{path}: label {file.Data[bad]} at position {bad} is not in 0 to 9: data sets of ten classes are read, put the labels of one there");
    }

    /// <summary>The uncompressed content's SHA-256.</summary>
    /// <exception cref="WorkbookException">The file can't be read, is cut short, or has more than <paramref name="limit"/> bytes.</exception>
    public static byte[] HashOf(string path, long limit) => Guarded(path, stream =>
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        long total = 0;
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            if ((total += read) > limit)
            {
                throw Fault(path, $"has more than the {limit:N0} bytes it should have");
            }
        }

        return hash.GetHashAndReset();
    });

    /// <summary>Whether a file is there, plain or gzip, with the published content.</summary>
    public static bool IsContent(string path, ManifestFile file)
    {
        try
        {
            return File.Exists(path) && Convert.ToHexStringLower(HashOf(path, file.Bytes)) == file.Sha256;
        }
        catch (WorkbookException)
        {
            return false;
        }
    }

    private static IdxFile Read(string path, int magic, int rank, string what) => Guarded(path, stream =>
    {
        Span<byte> header = stackalloc byte[4 + (4 * rank)];
        int got = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        int found = got < 4 ? 0 : BinaryPrimitives.ReadInt32BigEndian(header);
        if (found != magic)
        {
            throw new WorkbookException($"{path} is not an IDX file of {what}: it begins with 0x{found:x8} instead of 0x{magic:x8}{Kind(found, what)}");
        }

        if (got < header.Length)
        {
            throw Fault(path, $"ends inside its header");
        }

        int[] dimensions = new int[rank];
        long length = 1;
        for (int i = 0; i < rank; i++)
        {
            dimensions[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 + (4 * i))..]);
            // Each product stays far from overflow, and arrays can't be larger anyway.
            if (dimensions[i] < 1 || (length *= dimensions[i]) > Array.MaxLength)
            {
                throw Fault(path, $"its header claims impossible sizes ({string.Join(" × ", dimensions.Take(i + 1))})");
            }
        }

        if (length > MostUncounted)
        {
            Count(path, header.Length, length);
        }

        if (length > MostBytes)
        {
            throw new WorkbookException($"{path} holds {length:N0} bytes of {what}: at most {MostBytes:N0} are read, put a smaller data set there");
        }

        byte[] data = ReadExactly(stream, (int)length, path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(data);
        return new IdxFile(dimensions, data, hash.GetHashAndReset());
    });

    /// <summary>What a file that begins otherwise is, and what to do; it may be sound, only not the one that belongs there.</summary>
    private static string Kind(int magic, string what) => magic switch
    {
        ImagesMagic or LabelsMagic => $", as {(what == "images" ? "labels" : "images")} do: have the files been exchanged?",
        _ when magic >> 16 == 0 && (magic >> 8) is 0x08 or 0x09 or 0x0b or 0x0c or 0x0d or 0x0e =>
            ": it is an IDX file of other numbers or dimensions; bytes are read, put that file there",
        0x504b0304 => ": it is a zip archive, unpack it first",
        0x76657273 => ": it is a pointer of Git LFS that stands for the file, run 'git lfs pull' where it was cloned",
        _ => ": get it again (workbook data fetch)",
    };

    /// <exception cref="WorkbookException">There is more or less than the header announces.</exception>
    private static void Count(string path, int header, long length) => Guarded(path, stream =>
    {
        byte[] buffer = new byte[1 << 16];
        long found = -header;
        for (int read; found <= length && (read = stream.Read(buffer)) > 0;)
        {
            found += read;
        }

        return found == length ? true : throw Unlike(path, found, length);
    });

    private static WorkbookException Unlike(string path, long found, long length) => found < length
        ? Fault(path, $"is cut short: {found:N0} of {length:N0} bytes after the header")
        : Fault(path, $"goes on after the {length:N0} bytes that its header announces");

    /// <summary>Grows with what is really there: a header alone can't make it allocate.</summary>
    private static byte[] ReadExactly(Stream stream, int length, string path)
    {
        byte[] data = new byte[Math.Min(length, 1 << 20)];
        int filled = 0;
        while (filled < length)
        {
            if (filled == data.Length)
            {
                Array.Resize(ref data, (int)Math.Min(length, 4L * data.Length));
            }

            int read = stream.Read(data, filled, data.Length - filled);
            if (read == 0)
            {
                throw Unlike(path, filled, length);
            }

            filled += read;
        }

        return stream.ReadByte() < 0 ? data : throw Unlike(path, length + 1L, length);
    }

    private static T Guarded<T>(string path, Func<Stream, T> read)
    {
        try
        {
            // Opening a pipe would wait for ever, and a device may never end.
            using FileStream file = Native.FileKind.Odd(path) is { } odd
                ? throw new WorkbookException($"{path} can't be read: it is {odd}, put the file there") : File.OpenRead(path);
            Span<byte> start = stackalloc byte[2];
            bool zipped = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1f, 0x8b];
            file.Position = 0;
            using Stream stream = zipped ? new GZipStream(file, CompressionMode.Decompress) : new BufferedStream(file, 1 << 16);
            return read(stream);
        }
        catch (InvalidDataException e)
        {
            throw Fault(path, $"is a damaged or cut short gzip file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"{path} can't be read: {e.Message}", e);
        }
    }

    /// <summary>A fault of a file that is not as it was published.</summary>
    private static WorkbookException Fault(string path, InvariantText what, Exception? inner = null) =>
        new($"{path} {what.ToString()}: get it again (workbook data fetch)", inner);
}
