using System.Security.Cryptography;
using System.Text;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Translating;
using Workbook.Native;
using Workbook.Notebook;

namespace Workbook.Cli.Report;

/// <summary>All notebooks of a run as a small web site that needs no server, no network and no build.</summary>
internal static class ReportSite
{
    /// <summary>The site's folder, in that of a run.</summary>
    public const string Folder = "site";

    /// <summary>plotly.js, once for all pages.</summary>
    public const string Script = "plotly.min.js";

    /// <summary>The style sheet of all pages.</summary>
    public const string Style = "style.css";

    /// <summary>The attribute of the scripts that a page's head may run; no other runs there, whatever is on the page.</summary>
    public const string OfThisPage = "nonce=\"\"";

    private const string Policy = "default-src 'none'; script-src 'nonce-'; style-src 'self' 'unsafe-inline'; img-src data:; font-src 'self'; "
        + "frame-src 'self'; base-uri 'none'; form-action 'none'";

    // Says of a page that it is one of ours: others in the folder are left alone.
    private const string Generator = "<meta name=\"generator\" content=\"Pruning Workbook\">";
    private const int HeadLines = 5;

    /// <summary>
    /// Writes the site into a folder, which is made; each file whole or not at all. What an earlier run left is deleted when all of this one's is there.
    /// </summary>
    /// <param name="folder">The site's folder.</param>
    /// <param name="results">The notebooks.</param>
    /// <param name="faults">A line for each notebook whose page could not be made or written; in its place is one that says so, where possible.</param>
    /// <param name="isPart">Whether other notebooks still run, whose pages come later.</param>
    /// <returns>The first page's path.</returns>
    /// <exception cref="WorkbookException">The folder can't be written to.</exception>
    public static string Write(string folder, IReadOnlyList<NotebookResult> results, out IReadOnlyList<string> faults, bool isPart = false)
    {
        List<string> wrong = [];
        HashSet<string> written = new(StringComparer.OrdinalIgnoreCase);
        string[] earlier;
        try
        {
            Directory.CreateDirectory(folder);
            earlier = [.. Earlier(folder), .. Earlier(Path.Combine(folder, OutputFrames.Folder))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the report can't be written to {folder}: {e.Message}", e);
        }

        string element = PlotlyScript.Html();
        WriteText(Script, element[(element.IndexOf('>', StringComparison.Ordinal) + 1)..element.LastIndexOf("</script>", StringComparison.Ordinal)]);
        WriteText(PageScript.FileName, PageScript.Text);
        WriteText(Style, SiteStyle.Css);
        foreach ((string name, byte[] content) in Formulas.Files())
        {
            Write(name, content);
        }

        IReadOnlyList<Edition> editions = Editions(results, wrong);
        List<(string Name, string Html)> indices = [];
        bool hasWords = false;
        foreach (Edition edition in editions)
        {
            (NotebookResult Result, int Left)[] shown = [.. results.Select(result => Translated(edition, result, wrong))];
            NotebookResult[] all = [.. shown.Select(one => one.Result)];
            NotebookPage[] pages = [.. shown.Select(one => new NotebookPage(one.Result, all, edition, editions, one.Left))];
            foreach ((NotebookPage page, NotebookResult result) in pages.Zip(all).Where(pair => edition.Has(pair.Second.SourcePath)))
            {
                WritePage(page, result, edition);
            }

            hasWords |= pages.Any(page => page.HasWords);
            indices.Add((edition.PageOf("index.html"), IndexPage.Html(pages, all, edition, editions, isPart)));
        }

        if (hasWords)
        {
            WriteText(GlossaryPage.File, GlossaryPage.Html());
        }

        // Last what leads to the pages: until then the earlier report's do.
        new ClaimSummary(results).Write(folder);
        indices.ForEach(index => WriteText(index.Name, index.Html));
        DeleteAllBut(written, earlier, Path.Combine(folder, OutputFrames.Folder));
        faults = wrong;
        return Path.Combine(folder, "index.html");

        void WritePage(NotebookPage page, NotebookResult result, Edition edition)
        {
            try
            {
                WriteText(page.File, page.Html());
                foreach ((string name, string html) in page.Frames.Pages)
                {
                    WriteText(name, html);
                }

                if (edition.IsOriginal)
                {
                    Write(result.Name + ".ipynb", JupyterJson.Serialize(result.Document));
                }
            }
#pragma warning disable CA1031 // Whatever is wrong with one notebook: the others' pages are written.
            catch (Exception e)
#pragma warning restore CA1031
            {
                wrong.Add($"{result.SourcePath}: its page can't be written: {e.Message}");
                WriteText(page.File, page.FaultHtml(e.Message));
            }
        }

        void WriteText(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

        void Write(string name, byte[] content)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, content);
            written.Add(Path.GetFullPath(path));
        }
    }

    // Languages that say something of one of the notebooks; English alone where one can't be read.
    private static IReadOnlyList<Edition> Editions(IReadOnlyList<NotebookResult> results, List<string> wrong)
    {
        try
        {
            return [.. Edition.Of(results.Select(result => result.SourcePath)).Where(edition => results.Any(result => edition.Has(result.SourcePath)))];
        }
        catch (WorkbookException e)
        {
            wrong.Add(e.Message);
            return [Edition.Original];
        }
    }

    // A notebook in a language, and how many of its texts stay English; as it is, where its translation can't be read.
    private static (NotebookResult, int) Translated(Edition edition, NotebookResult result, List<string> wrong)
    {
        try
        {
            (NotebookDocument notebook, int left) = edition.Read(new(result.SourcePath, result.Document));
            return (result with { Document = notebook.Root }, left);
        }
        catch (WorkbookException e)
        {
            wrong.Add(e.Message);
            return (result, 0);
        }
    }

    // Others' files in the folder are left alone, and so is what no file is.
    private static IEnumerable<string> Earlier(string folder) => !Directory.Exists(folder) ? []
        : Directory.EnumerateFiles(folder, "*.html").Where(path => FileKind.Odd(path) is null
            && File.ReadLines(path).Take(HeadLines).Any(line => line.Contains(Generator, StringComparison.Ordinal)));

    private static void DeleteAllBut(HashSet<string> written, IEnumerable<string> earlier, string frames)
    {
        try
        {
            foreach (string left in earlier.SelectMany(page => new[] { page, Path.ChangeExtension(page, ".ipynb") }).Select(Path.GetFullPath)
                .Where(path => !written.Contains(path)))
            {
                File.Delete(left);
            }

            if (Directory.Exists(frames) && !Directory.EnumerateFileSystemEntries(frames).Any())
            {
                Directory.Delete(frames);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The report is there, with a page too many that nothing leads to.
        }
    }

    /// <summary>The style sheet and the scripts of one of the site's pages: plotly.js (3.6 MB) and Temml only where something is to be drawn.</summary>
    /// <param name="body">What stands on it.</param>
    /// <param name="hasFormulas">Whether there are formulas among it.</param>
    internal static string HeadOf(string body, bool hasFormulas = false) => $"<link rel=\"stylesheet\" href=\"{Style}\">"
        + (body.Contains(ChartMarkup.Data, StringComparison.Ordinal) ? $"<script {OfThisPage} defer src=\"{Script}\"></script>" : "")
        + $"<script {OfThisPage} src=\"{PageScript.FileName}\"></script>" + (hasFormulas ? Formulas.Head : "");

    /// <summary>A page with its head.</summary>
    /// <param name="title">The page's title, as text.</param>
    /// <param name="body">What stands on it, as HTML.</param>
    /// <param name="policy">What the page may load and run; by default what carries <see cref="OfThisPage"/>, and the site's own.</param>
    /// <param name="head">What the page looks like, and its scripts; by default <see cref="HeadOf"/>.</param>
    /// <param name="language">The code of the language that it is in.</param>
    internal static string Page(string title, string body, string? policy = null, string? head = null, string language = Edition.English)
    {
        head ??= HeadOf(body);

        // A word that no page can foresee, since it comes from all that is on it, and the same each time.
        string nonce = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{title}\0{head}\0{body}"))[..18]);
        policy ??= Policy.Replace("'nonce-'", $"'nonce-{nonce}'", StringComparison.Ordinal);
        return $"""
            <!DOCTYPE html>
            <html lang="{language}"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
            {Generator}<title>{System.Net.WebUtility.HtmlEncode(title)}</title>
            <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
            <link rel="icon" href="data:,">{head.Replace(OfThisPage, $"nonce=\"{nonce}\"", StringComparison.Ordinal)}</head>
            <body>{body}</body></html>

            """;
    }
}
