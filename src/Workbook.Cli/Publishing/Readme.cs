using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Publishing;

/// <summary>The README beside a folder of notebooks, and the parts of it that are written by <c>workbook publish</c>: each between two comments.</summary>
internal static class Readme
{
    /// <summary>A file beside the folder of the notebooks, or below what is beside it.</summary>
    public static string Beside(string notebooks, params string[] names) => Path.GetFullPath(Path.Combine([notebooks, "..", .. names]));

    /// <summary>The notebooks of a folder, in the order of their names.</summary>
    public static NotebookDocument[] NotebooksIn(string folder, IReadOnlyDictionary<string, NotebookDocument> instead) =>
        [.. Directory.EnumerateFiles(folder, "*.ipynb").Order(StringComparer.Ordinal)
            .Select(path => instead.GetValueOrDefault(path) ?? NotebookReader.Read(path))];

    /// <summary>The README with another text between two marks; as it was, if it has not both.</summary>
    /// <param name="readme">Markdown with \n at line ends.</param>
    public static string Renew(string readme, string begin, string end, Func<string> text)
    {
        int from = readme.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = from < begin.Length ? -1 : readme.IndexOf(end, from, StringComparison.Ordinal);
        return to >= 0 ? readme[..from] + text() + readme[to..] : readme;
    }

    /// <summary>What was measured, for a table.</summary>
    public static string Measured(Claim claim) => Cell(claim.MeasuredText) + (claim.Seeds.Count > 1 ? $", {claim.Seeds.Count} seeds" : "");

    /// <summary>What stands in a table.</summary>
    public static string Cell(string text) => Text(text).Replace("|", "\\|", StringComparison.Ordinal);

    /// <summary>A line without elements, comments and with them the marks of a part's begin and end.</summary>
    public static string Text(string text) => text.ReplaceLineEndings(" ").Replace("<", "&lt;", StringComparison.Ordinal);
}
