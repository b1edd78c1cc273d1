using System.Security.Cryptography;
using System.Text;

namespace Workbook;

/// <summary>The file <c>SHA256SUMS</c> of a folder, as sha256sum writes and checks it: what every other file holds.</summary>
internal static class CheckSums
{
    private const string FileName = "SHA256SUMS";
    private const int LongestBytes = 1 << 24; // 100,000 files

    /// <summary>Writes the file; the folder's others are complete.</summary>
    internal static void Write(string folder) => AtomicFile.Write(Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(Of(folder)));

    /// <exception cref="WorkbookException">A file is missing, new, or not as it was written.</exception>
    internal static void Check(string folder)
    {
        string[] written = TextOf(Path.Combine(folder, FileName)).Split('\n'), found = Of(folder).Split('\n');
        if (!written.SequenceEqual(found))
        {
            string[] odd = [.. written.Except(found).Concat(found.Except(written)).Where(line => line.Length > 66).Select(line => line[66..]).Distinct()];
            throw new WorkbookException($"{(odd is [var name, ..] ? name : FileName)} is missing or not as it was written");
        }
    }

    /// <summary>Reading must not keep the folder's owner from renaming or deleting it, nor wait for ever for a pipe or a device.</summary>
    /// <exception cref="WorkbookException">It is no file.</exception>
    internal static FileStream Open(string path) => Native.FileKind.Odd(path) is { } odd ? throw new WorkbookException($"{Path.GetFileName(path)} is {odd}")
        : new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);

    private static string Of(string folder) => string.Concat(Directory.EnumerateFiles(folder).Where(path => Path.GetFileName(path) != FileName)
        .Order(StringComparer.Ordinal).Select(path => $"{HashOf(path)}  {Path.GetFileName(path)}\n"));

    private static string TextOf(string path)
    {
        using StreamReader reader = new(Open(path));
        return reader.BaseStream.Length <= LongestBytes ? reader.ReadToEnd() : throw new WorkbookException($"{FileName} is not as it was written");
    }

    private static string HashOf(string path)
    {
        using FileStream stream = Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
