using System.Text;
using Workbook.Cli.Outcome;
using Workbook.Cli.Translating;
using static System.Net.WebUtility;

namespace Workbook.Cli.Report;

/// <summary>The site's first page: the notebooks, each with a chart of its own, and all claims.</summary>
internal static class IndexPage
{
    public static string Html(
        IReadOnlyList<NotebookPage> pages, IReadOnlyList<NotebookResult> results, Edition edition, IReadOnlyList<Edition> editions, bool isPart)
    {
        StringBuilder html = new();
        html.Append("<main><h1>Pruning Workbook</h1>");
        ReportedClaims.AppendSummary(html, results, NotebookPage.Switch(editions.Where(other => other != edition), "index.html"));
        if (isPart)
        {
            html.Append("<p class=\"quiet\">Other notebooks still run: load this page again</p>");
        }

        html.Append("<ul class=\"cards\">");
        foreach (NotebookPage page in pages)
        {
            html.Append($"<li><a href=\"{HtmlEncode(Uri.EscapeDataString(page.File))}\">");
            if (page.Thumbnail() is { } thumbnail)
            {
                // The chart itself, drawn at the page's width and shown smaller: legible, and in this reader's colours.
                html.Append($"<div class=\"thumbnail\" aria-hidden=\"true\" inert><div>{thumbnail}</div></div>");
            }

            html.Append($"<strong>{HtmlEncode(page.Title)}</strong></a><small>{HtmlEncode(page.Outcome)}</small></li>");
        }

        html.Append("</ul>");
        ReportedClaims.Append(html, results, pages);
        AppendSources(html, results);
        return ReportSite.Page("Pruning Workbook", edition.Html(html.Append("</main>").ToString()), language: edition.Code);
    }

    private static void AppendSources(StringBuilder html, IReadOnlyList<NotebookResult> results)
    {
        html.Append("<h2>Source and data</h2><ul>");
        if (Source() is { } source)
        {
            html.Append($"<li><a href=\"{HtmlEncode(source)}\">The source code</a> that this was run with</li>");
        }

        html.Append("<li>The executed notebooks: ")
            .AppendJoin(", ", results.Select(result =>
                $"<a href=\"{HtmlEncode(Uri.EscapeDataString(result.Name))}.ipynb\" download>{HtmlEncode(result.Name)}</a>")).Append("</li>");
        html.Append($"<li><a href=\"{ClaimSummary.FileName}\">All claims as JSON</a></li>");
        foreach (string name in results.SelectMany(result => result.Claims).Select(claim => claim.Dataset).Distinct())
        {
            html.Append(Manifest.Embedded.Datasets.FirstOrDefault(set => set.Name == name) is { } set
                ? $"<li>{HtmlEncode(set.Title)} ({HtmlEncode(set.From)}; {HtmlEncode(set.Licence)}): "
                    + $"{string.Join(", ", set.Files.Select(file => $"<a href=\"{set.Mirrors[0]}{file.Name}.gz\">{file.Name}</a>"))}</li>"
                : name == "digits" ? "<li>Built-in digits, drawn by code: no files</li>" : "");
        }

        html.Append("</ul>");
    }

    // GitHub's workflows say where the repository is and which commit they run.
    private static string? Source() =>
        Environment.GetEnvironmentVariable("GITHUB_SERVER_URL") is { Length: > 0 } server
        && Environment.GetEnvironmentVariable("GITHUB_REPOSITORY") is { Length: > 0 } repository
        && Environment.GetEnvironmentVariable("GITHUB_SHA") is { Length: > 0 } commit
            ? $"{server}/{repository}/tree/{commit}"
            : null;
}
