using System.Text;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Notebook;

namespace Workbook.Cli.Report;

/// <summary>All notebooks of a run as a small web site that needs no server, no network and no build.</summary>
internal static class ReportSite
{
    /// <summary>plotly.js, once for all pages.</summary>
    public const string Script = "plotly.min.js";

    /// <summary>The style sheet of all pages.</summary>
    public const string Style = "style.css";

    /// <summary>The style sheet and plotly.js, for the head of each of the site's pages.</summary>
    public const string Head = $"<link rel=\"stylesheet\" href=\"{Style}\"><script defer src=\"{Script}\"></script>";

    // Says of a page that it is one of ours: others in the folder are left alone.
    private const string Generator = "<meta name=\"generator\" content=\"Pruning Workbook\">";
    private const int HeadLines = 5;

    /// <summary>Writes the site into a folder, which is made; each file whole or not at all.</summary>
    /// <returns>The first page's path.</returns>
    /// <exception cref="WorkbookException">A file can't be written.</exception>
    public static string Write(string folder, IReadOnlyList<NotebookResult> results)
    {
        try
        {
            Directory.CreateDirectory(folder);
            foreach (string earlier in Directory.EnumerateFiles(folder, "*.html")
                .Where(path => File.ReadLines(path).Take(HeadLines).Any(line => line.Contains(Generator, StringComparison.Ordinal))))
            {
                File.Delete(earlier);
                File.Delete(Path.ChangeExtension(earlier, ".ipynb"));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the report can't be written to {folder}: {e.Message}", e);
        }

        string element = PlotlyScript.Html();
        WriteText(Script, element[(element.IndexOf('>', StringComparison.Ordinal) + 1)..element.LastIndexOf("</script>", StringComparison.Ordinal)]);
        WriteText(Style, SiteStyle.Css);
        foreach ((string name, byte[] content) in Formulas.Files())
        {
            AtomicFile.Write(Path.Combine(folder, name), content);
        }

        NotebookPage[] pages = [.. results.Select(result => new NotebookPage(result, results))];
        foreach ((NotebookPage page, NotebookResult result) in pages.Zip(results))
        {
            WriteText(page.File, page.Html());
            AtomicFile.Write(Path.Combine(folder, result.Name + ".ipynb"), JupyterJson.Serialize(result.Document));
        }

        new ClaimSummary(results).Write(folder);
        WriteText("index.html", IndexPage.Html(pages, results));
        return Path.Combine(folder, "index.html");

        void WriteText(string name, string text) => AtomicFile.Write(Path.Combine(folder, name), Encoding.UTF8.GetBytes(text));
    }

    /// <summary>A page with its head.</summary>
    /// <param name="title">The page's title, as text.</param>
    /// <param name="body">What stands on it, as HTML.</param>
    /// <param name="head">What the page looks like, and its scripts; by default <see cref="Head"/>.</param>
    internal static string Page(string title, string body, string? head = null) =>
        $"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>{System.Net.WebUtility.HtmlEncode(title)}</title>
        {Generator}<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
        <link rel="icon" href="data:,">{head ?? Head}</head>
        <body>{body}</body></html>

        """;
}
