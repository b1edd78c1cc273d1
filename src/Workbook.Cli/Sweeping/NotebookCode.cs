using System.Security.Cryptography;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Sweeping;

/// <summary>What a notebook executes, as a hash: its cells' code and the files that they load. Text and outputs don't count.</summary>
internal static class NotebookCode
{
    public static string Hash(NotebookDocument notebook)
    {
        IReadOnlyList<string> sources = NotebookSources.Of(notebook, out IReadOnlyList<string> libraries);
        IEnumerable<string> binaries = libraries.Select(path => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
        return SweepPoint.HashOf(string.Concat(sources.Select(code => $"{code.Length}\n{code}").Concat(binaries)));
    }
}
