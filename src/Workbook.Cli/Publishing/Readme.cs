using Workbook.Cli.Notebooks;
using Workbook.Cli.Translating;
using Workbook.Notebook;

namespace Workbook.Cli.Publishing;

/// <summary>
/// The READMEs beside a folder of notebooks, one a language, and the parts of them that are written by <c>workbook publish</c>: each between two comments.
/// </summary>
internal static class Readme
{
    /// <summary>A file beside the folder of the notebooks, or below what is beside it.</summary>
    public static string Beside(string notebooks, params string[] names) => Path.GetFullPath(Path.Combine([notebooks, "..", .. names]));

    /// <summary>The notebooks of a folder, in the order of their names.</summary>
    public static NotebookDocument[] NotebooksIn(string folder, IReadOnlyDictionary<string, NotebookDocument> instead) =>
        [.. Directory.EnumerateFiles(folder, "*.ipynb").Order(StringComparer.Ordinal)
            .Select(path => instead.GetValueOrDefault(path) ?? NotebookReader.Read(path))];

    /// <summary>The READMEs of a folder's languages that come out otherwise than they are, with their new texts.</summary>
    public static IEnumerable<(string Path, string Text)> In(string folder, IEnumerable<NotebookDocument> notebooks, Func<string, Edition, string> renew)
    {
        foreach (Edition edition in Edition.Of(notebooks.Select(notebook => notebook.Path)))
        {
            string path = Beside(folder, FileOf(edition)), before = File.Exists(path) ? File.ReadAllText(path) : "";
            if (renew(before, edition) is { } after && after != before)
            {
                yield return (path, after);
            }
        }
    }

    /// <summary>The README with another text between two marks; as it was, if it has not both.</summary>
    /// <param name="readme">Markdown with \n at line ends.</param>
    public static string Renew(string readme, string begin, string end, Func<string> text)
    {
        int from = readme.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = from < begin.Length ? -1 : readme.IndexOf(end, from, StringComparison.Ordinal);
        return to >= 0 ? readme[..from] + text() + readme[to..] : readme;
    }

    /// <summary>A language's README: README.md, README.ko.md.</summary>
    public static string FileOf(Edition edition) => edition.IsOriginal ? "README.md" : $"README.{edition.Code}.md";

    /// <summary>What was measured, for a table.</summary>
    public static string Measured(Claim claim, Edition edition) =>
        Cell(edition.Say(claim.MeasuredText + (claim.Seeds.Count > 1 ? $", {claim.Seeds.Count} seeds" : "")));

    /// <summary>What stands in a table.</summary>
    public static string Cell(string text) => Text(text).Replace("|", "\\|", StringComparison.Ordinal);

    /// <summary>A line without elements, comments and with them the marks of a part's begin and end.</summary>
    public static string Text(string text) => text.ReplaceLineEndings(" ").Replace("<", "&lt;", StringComparison.Ordinal);
}
