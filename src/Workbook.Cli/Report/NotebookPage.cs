using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Publishing;
using Workbook.Cli.Translating;
using static System.Net.WebUtility;

namespace Workbook.Cli.Report;

/// <summary>The page of one executed notebook: its text, its code, what the code showed.</summary>
/// <param name="result">The notebook, its texts in the page's language.</param>
/// <param name="all">All notebooks of the run, likewise.</param>
/// <param name="edition">The page's language.</param>
/// <param name="editions">The languages that the site has.</param>
/// <param name="untranslated">How many of its texts are English all the same.</param>
internal sealed class NotebookPage(
    NotebookResult result, IReadOnlyList<NotebookResult> all, Edition edition, IReadOnlyList<Edition> editions, int untranslated = 0)
{
    private readonly NotebookDocument _notebook = new(result.SourcePath, result.Document);

    /// <summary>What its cells showed that runs in frames, after <see cref="Html"/>.</summary>
    public OutputFrames Frames { get; } = new(result.Name);

    public string File => FileOf(result);

    public string Title => _notebook.Title;

    /// <summary>How long it ran and what became of its claims, in a few words.</summary>
    public string Outcome => string.Join(" · ", new[]
    {
        result.Error is null ? "" : "did not finish",
        result.Claims.Count == 0 ? ""
            : $"{result.Claims.Count(claim => claim.Holds == true)} of {result.Claims.Count(claim => claim.Holds is not null)} claims hold",
        result.Elapsed is { } elapsed ? $"{elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s" : "",
    }.Where(part => part.Length > 0));

    /// <summary>Whether it links to <see cref="GlossaryPage"/>, after <see cref="Html"/>.</summary>
    public bool HasWords { get; private set; }

    public string Html()
    {
        MarkdownPage markdown = new(name => all.FirstOrDefault(other => other.Name == name) is { } other ? FileOf(other) : null,
            name => Shown(_notebook.CodeCells.Where(cell => PublishedNotebook.PictureNames(cell).Contains(name))));
        StringBuilder body = new();
        foreach (JsonObject cell in _notebook.Cells)
        {
            AppendCell(body, cell, markdown);
        }

        HasWords = markdown.HasWords;
        string index = edition.PageOf("index.html");
        StringBuilder html = new(edition.Html($"<div class=\"page\"><nav aria-label=\"Contents\"><details open><summary>Contents</summary><p><a "
            + $"href=\"{index}\">Pruning Workbook</a></p><ul>"));
        foreach ((string id, string text) in markdown.Headings)
        {
            html.Append($"<li><a href=\"#{id}\">{HtmlEncode(text)}</a></li>");
        }

        html.Append(edition.Html($"</ul></details></nav><main><p class=\"quiet\"><a href=\"{index}\">Pruning Workbook</a> · {HtmlEncode(Outcome)} · <a "
            + $"href=\"{HtmlEncode(Uri.EscapeDataString(result.Name))}.ipynb\" download>this notebook</a> · <a href=\"{index}#claims\">all claims</a>"
                + $"{Switch(editions.Where(other => other != edition && other.Has(result.SourcePath)), FileOf(result.Name))}</p>"
                    + (untranslated > 0 ? $"<p class=\"quiet\">{untranslated} texts are in English: not translated yet</p>" : "")));

        if (result.Error is string error)
        {
            html.Append($"<div class=\"error\"><strong>{edition.Say("This notebook did not finish.")}</strong><pre>{HtmlEncode(error)}</pre></div>");
        }

        html.Append(body).Append("<nav class=\"around\" aria-label=\"Notebooks\">").Append(Link(-1)).Append(Link(1)).Append("</nav></main></div>");
        string whole = html.ToString();
        return ReportSite.Page($"{Title} – Pruning Workbook", whole, head: ReportSite.HeadOf(whole, markdown.HasFormulas), language: edition.Code);
    }

    /// <summary>The page in place of one that can't be made.</summary>
    public string FaultHtml(string fault) => ReportSite.Page("Pruning Workbook",
        "<main><p class=\"quiet\"><a href=\"index.html\">Pruning Workbook</a></p><div class=\"error\"><strong>This notebook's page can't be "
            + $"shown.</strong><pre>{HtmlEncode($"{result.Name}: {fault}")}</pre></div></main>");

    /// <summary>A chart of the notebook: the one that its tags name as a picture, else the first; null if it has none.</summary>
    public string? Thumbnail() => Shown(_notebook.CodeCells.OrderByDescending(cell => PublishedNotebook.PictureNames(cell).Any()));

    // The first chart, or the first picture, of what the cells showed.
    private string? Shown(IEnumerable<JsonObject> cells) =>
        cells.SelectMany(cell => (cell["outputs"] as JsonArray ?? []).OfType<JsonObject>()).Select(output => output["data"]).OfType<JsonObject>()
            .Select(data => (Chart: Chart(data), Data: data)).Where(shown => shown.Chart is not null || Picture(shown.Data) is not null)
            .OrderByDescending(shown => shown.Chart is not null).Select(shown => shown.Chart ?? Picture(shown.Data)).FirstOrDefault();

    /// <summary>Links to the same page in other languages.</summary>
    internal static string Switch(IEnumerable<Edition> others, string page) => string.Concat(others.Select(other =>
        $" · <a href=\"{HtmlEncode(Uri.EscapeDataString(other.PageOf(page)))}\" lang=\"{other.Code}\" hreflang=\"{other.Code}\">{HtmlEncode(other.Name)}"
            + "</a>"));

    private string? Chart(JsonObject data) => data["text/html"] is JsonNode html ? ChartMarkup.Of(Joined(html), edition) : null;

    // index.html is the first page, and there is one of words.
    private static string FileOf(string name) => $"{name}.html" is var file && (file.Equals("index.html", StringComparison.OrdinalIgnoreCase)
        || file.Equals(GlossaryPage.File, StringComparison.OrdinalIgnoreCase)) ? name + "-notebook.html" : file;

    private string FileOf(NotebookResult other) => edition.Has(other.SourcePath) ? edition.PageOf(FileOf(other.Name)) : FileOf(other.Name);

    private string Link(int step)
    {
        int at = all.ToList().IndexOf(result) + step;
        return at >= 0 && at < all.Count
            ? $"<a href=\"{HtmlEncode(Uri.EscapeDataString(FileOf(all[at])))}\">"
                + $"{(step < 0 ? "← " : "")}{HtmlEncode(new NotebookDocument("", all[at].Document).Title)}{(step > 0 ? " →" : "")}</a>"
            : "<span></span>";
    }

    private void AppendCell(StringBuilder html, JsonObject cell, MarkdownPage markdown)
    {
        string source = Joined(cell["source"]);
        switch (Joined(cell["cell_type"]))
        {
            case "markdown":
                html.Append("<div class=\"md\">").Append(markdown.Render(source)).Append("</div>");
                break;
            case "code":
                html.Append("<div class=\"code\"><pre tabindex=\"0\"><code>").Append(CodeColors.Html(source)).Append("</code></pre></div>");
                foreach (JsonObject output in (cell["outputs"] as JsonArray ?? []).OfType<JsonObject>())
                {
                    AppendOutput(html, output);
                }

                break;
            default:
                html.Append($"<pre>{HtmlEncode(source)}</pre>");
                break;
        }
    }

    private void AppendOutput(StringBuilder html, JsonObject output)
    {
        string type = Joined(output["output_type"]);
        if (type == "stream")
        {
            html.Append($"<div class=\"output\"><pre>{HtmlEncode(Joined(output["text"]))}</pre></div>");
        }
        else if (type == "error")
        {
            html.Append($"<div class=\"output error\"><pre>{HtmlEncode($"{Joined(output["ename"])}: {Joined(output["evalue"])}")}</pre></div>");
        }
        else if (output["data"] is JsonObject data && !ChartMarkup.IsPlotly(Joined(data["text/html"])))
        {
            html.Append($"<div class=\"output\">{Shown(data)}</div>");
        }
    }

    // The richest form that a page shows. HTML is the cell's author's: what is more than text and tables gets a frame.
    private string Shown(JsonObject data)
    {
        if (data["text/html"] is JsonNode markup)
        {
            string html = Joined(markup);
            return ChartMarkup.Of(html, edition)
                ?? (html.Length <= SafeHtml.Longest && SafeHtml.Clean(html, out bool whole) is { } clean && whole ? edition.Html(clean) : Frames.Add(html));
        }

        return Picture(data) ?? $"<pre>{HtmlEncode(Joined(data["text/plain"]))}</pre>";
    }

    // In an image element a drawing's scripts don't run.
    private static string? Picture(JsonObject data)
    {
        string words = HtmlEncode(Joined(data["text/plain"]));
        if (data["image/svg+xml"] is JsonNode svg)
        {
            string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(Joined(svg)));
            return $"<img alt=\"{words}\" src=\"data:image/svg+xml;base64,{encoded}\">";
        }

        foreach (string mime in (string[])["image/png", "image/jpeg"])
        {
            if (data[mime] is JsonNode picture)
            {
                return $"<img alt=\"{words}\" src=\"data:{mime};base64,{HtmlEncode(Joined(picture).Replace("\n", "", StringComparison.Ordinal))}\">";
            }
        }

        return null;
    }

    // nbformat keeps a text as one string or as a list of lines.
    private static string Joined(JsonNode? node) => MultilineText.FromNode(node) ?? node?.ToJsonString() ?? "";
}
