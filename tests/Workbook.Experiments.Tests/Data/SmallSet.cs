using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Workbook.Tests;

/// <summary>A data set of a few 4×4 images in memory, and folders that are gone after the test.</summary>
internal sealed class SmallSet : IDisposable
{
    public const int Train = 40, Test = 10, Side = 4;

    private static readonly string[] Names =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

    public SmallSet()
    {
        Folder = Directory.CreateTempSubdirectory("workbook-data-").FullName;
        byte[][] contents =
            [Images(Train, 1), Labels(Train), Images(Test, 2), Labels(Test)];
        Contents = Names.Zip(contents).ToDictionary(p => p.First, p => p.Second);
    }

    public string Folder { get; }

    public Dictionary<string, byte[]> Contents { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public Manifest Manifest(params Uri[] mirrors)
    {
        ManifestFile[] files = [.. Contents.Select(c => new ManifestFile(
            c.Key, c.Value.Length, Gzip(c.Value).Length, Convert.ToHexStringLower(SHA256.HashData(c.Value))))];
        var entry = new ManifestEntry("mnist", "MNIST", "none", "a test", mirrors, files[0], files[1], files[2], files[3], 0.5, 0.25);
        ManifestEntry other = entry with
        {
            Name = "fashion-mnist",
            Title = "Fashion-MNIST",
            TestLabels = files[3] with { Sha256 = new string('0', 64) },
        };
        return new Manifest([entry, other]);
    }

    public string Write(string folder, bool zipped = true)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] content) in Contents)
        {
            File.WriteAllBytes(Path.Combine(folder, zipped ? name + ".gz" : name), zipped ? Gzip(content) : content);
        }

        return folder;
    }

    public static byte[] Gzip(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var zip = new GZipStream(memory, CompressionLevel.Fastest))
        {
            zip.Write(content);
        }

        return memory.ToArray();
    }

    public static byte[] Images(int count, int seed)
    {
        byte[] pixels = new byte[count * Side * Side];
        new Random(seed).NextBytes(pixels);
        return [.. Header(0x803, count, Side, Side), .. pixels];
    }

    public static byte[] Labels(int count) => [.. Header(0x801, count), .. Enumerable.Range(0, count).Select(i => (byte)(i % 10))];

    public static byte[] Header(params int[] numbers)
    {
        byte[] header = new byte[4 * numbers.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * i), numbers[i]);
        }

        return header;
    }
}
