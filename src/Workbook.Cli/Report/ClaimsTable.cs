using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Running;

namespace Workbook.Cli.Report;

/// <summary>The claims of all notebooks: what was expected, what was measured.</summary>
internal static class ClaimsTable
{
    public static void Append(StringBuilder html, IReadOnlyList<RunResult> results)
    {
        JsonObject[] claims = [.. results.SelectMany(result => result.Claims)];
        string seconds = results.Sum(result => result.Elapsed.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);
        string[] ranOn = [.. claims.Select(claim => $"{Text(claim, "dataset")}, {Text(claim, "profile")} profile").Distinct()];
        html.Append($"<p class=\"quiet\">{results.Count} {(results.Count == 1 ? "notebook" : "notebooks")}, {seconds} s{(ranOn.Length == 0 ? "" : $" · {WebUtility.HtmlEncode(string.Join("; ", ranOn))}")}</p>");
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
            string unit = Text(claim, "unit") is { Length: > 0 } name ? " " + name : "";
            int seeds = claim["seeds"] is JsonArray list ? list.Count : 0;
            string spread = seeds > 1 && Number(claim, "spread") is string deviation ? $" ± {deviation}" : "";
            string measured = Number(claim, "measured") is string number ? number + spread + unit : "–";
            string difference = Number(claim, "difference") is string value ? (value.StartsWith('-') ? value : "+" + value) + unit : "";
            string expected = Text(claim, "kind") == "published" ? $"{Text(claim, "expected")} (paper)" : Text(claim, "expected");
            string[] details = [Text(claim, "id"), notebook, seeds > 1 ? $"{seeds} seeds" : "", Text(claim, "source"), Text(claim, "note")];
            html.Append("<tr>")
                .Append($"<td>{Encode(Text(claim, "statement"))}<br><small>{Encode(string.Join(" · ", details.Where(d => d.Length > 0)))}</small></td>")
                .Append($"<td data-label=\"measured\">{Encode(measured)}</td><td data-label=\"expected\">{Encode(expected)}</td><td data-label=\"difference\">{Encode(difference)}</td>")
                .Append($"<td class=\"{style}\">{words}</td></tr>");
        }

        html.Append("</tbody></table></div>");
    }

    private static (string Words, string Style) Verdict(JsonObject claim) => (Text(claim, "kind"), claim["holds"]) switch
    {
        ("published", _) => ("published", "published"),
        (_, JsonValue holds) when holds.TryGetValue(out bool yes) => yes ? ("✓ holds", "holds") : ("✗ does not hold", "fails"),
        _ => ("not measured here", "unmeasured"),
    };

    private static string Text(JsonObject claim, string name) => claim[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static string? Number(JsonObject claim, string name) =>
        claim[name] is JsonValue value && value.TryGetValue(out double number)
            ? number.ToString(Math.Abs(number) is >= 0.01 or 0 ? "0.00" : "G2", CultureInfo.InvariantCulture) : null;

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
