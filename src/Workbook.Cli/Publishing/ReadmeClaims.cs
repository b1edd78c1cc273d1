using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;

namespace Workbook.Cli.Publishing;

/// <summary>The claims of the published notebooks as a part of the README, between two comments.</summary>
internal static class ReadmeClaims
{
    private const string Begin = "<!-- claims: written by `workbook publish` -->\n";
    private const string End = "<!-- /claims -->";

    /// <summary>The README with the claims as these notebooks' outputs have them; as it was, if it has no place for them.</summary>
    /// <param name="readme">Markdown with \n at line ends.</param>
    public static string Renew(string readme, IEnumerable<NotebookDocument> notebooks)
    {
        int begin = readme.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = readme.IndexOf(End, StringComparison.Ordinal);
        return begin >= Begin.Length && end >= begin ? readme[..begin] + Markdown(notebooks) + readme[end..] : readme;
    }

    private static string Markdown(IEnumerable<NotebookDocument> notebooks)
    {
        StringBuilder text = new("\n");
        foreach (NotebookDocument notebook in notebooks)
        {
            IReadOnlyList<JsonObject> claims = ClaimOutputs.Find(notebook);
            if (claims.Count == 0)
            {
                continue;
            }

            text.Append($"<details><summary><b>{notebook.Title}</b>: {Counts(claims)} ({ClaimText.RanOn(claims)})</summary>\n\n")
                .Append("| claim | measured | expected | |\n|---|---|---|---|\n");
            foreach (JsonObject claim in claims)
            {
                string seeds = ClaimText.Seeds(claim) > 1 ? $", {ClaimText.Seeds(claim)} seeds" : "";
                text.Append($"| {Cell(ClaimText.Of(claim, "statement"))} | {Cell(ClaimText.Measured(claim))}{seeds} | {Cell(Expected(claim))} | {Verdict(claim)} |\n");
            }

            text.Append("\n</details>\n\n");
        }

        return text.ToString();
    }

    private static string Counts(IReadOnlyList<JsonObject> claims)
    {
        JsonObject[] ours = [.. claims.Where(ClaimSummary.IsOurs)];
        int measured = ours.Count(claim => ClaimSummary.Holds(claim) is not null);
        int published = claims.Count - ours.Length;
        string left = measured < ours.Length ? $", {ours.Length - measured} not measured in this profile" : "";
        return $"{ours.Count(claim => ClaimSummary.Holds(claim) == true)} of {measured} claims hold{left}{(published > 0 ? $", {published} beside a paper's number" : "")}";
    }

    private static string Expected(JsonObject claim) => ClaimSummary.IsOurs(claim)
        ? ClaimText.Of(claim, "expected")
        : $"{ClaimText.Of(claim, "expected")} in {ClaimText.Of(claim, "source")}";

    private static string Verdict(JsonObject claim) => (ClaimSummary.IsOurs(claim), ClaimSummary.Holds(claim)) switch
    {
        (false, _) => ClaimText.Difference(claim),
        (_, true) => "✓",
        (_, false) => "✗",
        _ => "not measured here",
    };

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
