using System.Text;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Translating;
using Workbook.Notebook;
using static Workbook.Cli.Publishing.Readme;

namespace Workbook.Cli.Publishing;

/// <summary>The claims of the published notebooks as a part of the README, between two comments.</summary>
internal static class ReadmeClaims
{
    private const string Begin = "<!-- claims: written by `workbook publish` -->\n";
    private const string End = "<!-- /claims -->";

    /// <summary>The README with the claims as these notebooks' outputs have them; as it was, if it has no place for them.</summary>
    /// <param name="readme">Markdown with \n at line ends.</param>
    public static string Renew(string readme, IEnumerable<NotebookDocument> notebooks, Edition? edition = null) =>
        Readme.Renew(readme, Begin, End, () => Markdown(notebooks, edition ?? Edition.Original));

    private static string Markdown(IEnumerable<NotebookDocument> notebooks, Edition edition)
    {
        StringBuilder text = new("\n");
        foreach (NotebookDocument notebook in notebooks)
        {
            IReadOnlyList<Claim> claims = ClaimOutputs.Find(notebook, out _);
            if (claims.Count == 0)
            {
                continue;
            }

            string title = edition.Read(notebook).Notebook.Title, counts = $"{Counts(claims)} ({ClaimSummary.RanOn(claims)})";
            text.Append($"<details><summary><b>{Text(title)}</b>: {Text(edition.Say(counts))}</summary>\n\n")
                .Append($"| {edition.Say("claim")} | {edition.Say("measured")} | {edition.Say("expected")} | |\n|---|---|---|---|\n");
            foreach (Claim claim in claims)
            {
                text.Append($"| {Cell(edition.Say(claim.Statement))} | {Measured(claim, edition)} | {Cell(Expected(claim, edition))} | ")
                    .Append($"{edition.Say(Verdict(claim))} |\n");
            }

            text.Append("\n</details>\n\n");
        }

        return text.ToString();
    }

    private static string Counts(IReadOnlyList<Claim> claims)
    {
        int judged = claims.Count(claim => claim is { IsOurs: true, IsMeasured: true });
        int published = claims.Count(claim => claim is { IsPublished: true, IsMeasured: true });
        int left = claims.Count - judged - published;
        return $"{claims.Count(claim => claim is { IsOurs: true, Holds: true })} of {judged} claims hold"
            + (left > 0 ? $", {left} not measured here" : "") + (published > 0 ? $", {published} beside a paper's number" : "");
    }

    private static string Expected(Claim claim, Edition edition) => edition.Say(claim.Expected)
        + (!claim.IsPublished ? "" : edition.IsOriginal ? $" in {claim.Source}" : $" ({edition.Say(claim.Source)})");

    private static string Verdict(Claim claim) => claim switch
    {
        { IsMeasured: false } => claim.Verdict,
        { IsPublished: true } => claim.DifferenceText,
        { Holds: true } => "✓",
        _ => "✗",
    };
}
