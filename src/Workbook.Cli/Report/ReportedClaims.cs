using System.Globalization;
using System.Text;
using Workbook.Cli.Outcome;
using Workbook.Notebook;
using static System.Net.WebUtility;

namespace Workbook.Cli.Report;

/// <summary>The claims of all notebooks: what was expected, what was measured.</summary>
internal static class ReportedClaims
{
    /// <summary>What was run, and on what; then what else stands in that line, as HTML.</summary>
    public static void AppendSummary(StringBuilder html, IReadOnlyList<NotebookResult> results, string more)
    {
        string ranOn = ClaimSummary.RanOn(results.SelectMany(result => result.Claims));
        string[] parts = [$"{results.Count} {(results.Count == 1 ? "notebook" : "notebooks")}", ranOn, Seconds(results)];
        html.Append($"<p class=\"quiet\">{HtmlEncode(string.Join(" · ", parts.Where(part => part.Length > 0)))}{more}</p>");
    }

    public static void Append(StringBuilder html, IReadOnlyList<NotebookResult> results, IReadOnlyList<NotebookPage> pages)
    {
        Claim[] claims = [.. results.SelectMany(result => result.Claims)];
        html.Append("<h2 id=\"claims\">Claims</h2>");
        if (claims.Length == 0)
        {
            html.Append("<p>The notebooks of this run make no claims.</p>");
            return;
        }

        html.Append("<p>").Append(string.Join(" · ", claims.GroupBy(claim => Verdict(claim).Words).Select(group => $"{group.Key}: {group.Count()}")))
            .Append("</p>");
        html.Append("<div class=\"scroll\"><table class=\"claims\"><thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Measured</th><th "
            + "scope=\"col\">Expected</th><th scope=\"col\">Difference</th><th scope=\"col\">Verdict</th></tr></thead><tbody>");
        foreach ((NotebookPage page, Claim claim) in pages.Zip(results).SelectMany(pair => pair.Second.Claims.Select(claim => (pair.First, claim))))
        {
            (string words, string style) = Verdict(claim);
            string measured = claim.MeasuredText is { Length: > 0 } numbers ? numbers : "–";
            string expected = claim.IsPublished ? $"{claim.Expected} (paper)" : claim.Expected;
            string[] details = [claim.Id, claim.Seeds.Count > 1 ? $"{claim.Seeds.Count} seeds" : "", claim.Source, claim.Note];
            html.Append("<tr>")
                .Append($"<td>{HtmlEncode(claim.Statement)}<br><small>{HtmlEncode(string.Join(" · ", details.Where(d => d.Length > 0)))} · <a "
                    + $"href=\"{HtmlEncode(Uri.EscapeDataString(page.File))}\">{HtmlEncode(page.Title)}</a></small></td>")
                .Append($"<td data-label=\"measured\">{HtmlEncode(measured)}</td><td data-label=\"expected\">{HtmlEncode(expected)}</td><td "
                    + $"data-label=\"difference\">{HtmlEncode(claim.DifferenceText)}</td>")
                .Append($"<td class=\"{style}\">{words}</td></tr>");
        }

        html.Append("</tbody></table></div>");
    }

    private static (string Words, string Style) Verdict(Claim claim) => claim switch
    {
        { IsMeasured: false } => (claim.Verdict, "unmeasured"),
        { IsPublished: true } => (claim.Verdict, "published"),
        { Holds: true } => ("✓ " + claim.Verdict, "holds"),
        _ => ("✗ " + claim.Verdict, "fails"),
    };

    private static string Seconds(IReadOnlyList<NotebookResult> results) =>
        results.All(result => result.Elapsed is not null) ? results.Sum(result => result.Elapsed!.Value.TotalSeconds)
            .ToString("0 s", CultureInfo.InvariantCulture) : "";
}
