using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Outcome;
using Workbook.Cli.Running;

namespace Workbook.Cli.Report;

/// <summary>The claims of all notebooks: what was expected, what was measured.</summary>
internal static class ReportedClaims
{
    public static void Append(StringBuilder html, IReadOnlyList<RunResult> results)
    {
        JsonObject[] claims = [.. results.SelectMany(result => result.Claims)];
        string seconds = results.Sum(result => result.Elapsed.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);
        string ranOn = ClaimText.RanOn(claims);
        html.Append($"<p class=\"quiet\">{results.Count} {(results.Count == 1 ? "notebook" : "notebooks")}, {seconds} s{(ranOn.Length == 0 ? "" : $" · {Encode(ranOn)}")}</p>");
        html.Append("<h2>Claims</h2>");
        if (claims.Length == 0)
        {
            html.Append("<p>The notebooks of this run make no claims.</p>");
            return;
        }

        html.Append("<p>").Append(string.Join(" · ", claims.GroupBy(claim => Verdict(claim).Words).Select(group => $"{group.Key}: {group.Count()}"))).Append("</p>");
        html.Append("<div class=\"scroll\"><table class=\"claims\"><thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Measured</th><th scope=\"col\">Expected</th><th scope=\"col\">Difference</th><th scope=\"col\">Verdict</th></tr></thead><tbody>");
        foreach ((string notebook, JsonObject claim) in results.SelectMany(result => result.Claims.Select(claim => (result.Name, claim))))
        {
            (string words, string style) = Verdict(claim);
            int seeds = ClaimText.Seeds(claim);
            string measured = ClaimText.Measured(claim) is { Length: > 0 } numbers ? numbers : "–";
            string expected = ClaimText.Of(claim, "kind") == "published" ? $"{ClaimText.Of(claim, "expected")} (paper)" : ClaimText.Of(claim, "expected");
            string[] details = [ClaimText.Of(claim, "id"), notebook, seeds > 1 ? $"{seeds} seeds" : "", ClaimText.Of(claim, "source"), ClaimText.Of(claim, "note")];
            html.Append("<tr>")
                .Append($"<td>{Encode(ClaimText.Of(claim, "statement"))}<br><small>{Encode(string.Join(" · ", details.Where(d => d.Length > 0)))}</small></td>")
                .Append($"<td data-label=\"measured\">{Encode(measured)}</td><td data-label=\"expected\">{Encode(expected)}</td><td data-label=\"difference\">{Encode(ClaimText.Difference(claim))}</td>")
                .Append($"<td class=\"{style}\">{words}</td></tr>");
        }

        html.Append("</tbody></table></div>");
    }

    private static (string Words, string Style) Verdict(JsonObject claim) => (ClaimText.Of(claim, "kind"), claim["holds"]) switch
    {
        ("published", _) => ("published", "published"),
        (_, JsonValue holds) when holds.TryGetValue(out bool yes) => yes ? ("✓ holds", "holds") : ("✗ does not hold", "fails"),
        _ => ("not measured here", "unmeasured"),
    };

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
