using Spectre.Console;
using Workbook.Cli.Terminal;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>The claims as the terminal shows them.</summary>
internal static class ClaimTable
{
    public static Spectre.Console.Table Create(ClaimSummary summary)
    {
        Spectre.Console.Table table = new Spectre.Console.Table().Border(TableBorder.Rounded);
        table.AddColumn("claim");
        table.AddColumn("statement");
        table.AddColumn(new TableColumn("measured").RightAligned());
        table.AddColumn("expected");
        table.AddColumn("result");
        foreach (Claim claim in summary.Claims.OrderByDescending(claim => claim.IsOurs))
        {
            table.AddRow(PlainText.Markup(claim.Id), PlainText.Markup(claim.Statement), PlainText.Markup(claim.MeasuredText), PlainText.Markup(claim.Expected),
                Result(claim));
        }

        return table;
    }

    // A note says at length what the verdict does, and why.
    private static string Result(Claim claim) => claim switch
    {
        { IsMeasured: false } => PlainText.Markup(claim.Note.StartsWith(claim.Verdict, StringComparison.Ordinal) ? claim.Note
            : claim.Note.Length > 0 ? $"{claim.Verdict} ({claim.Note})" : claim.Verdict),
        { IsPublished: true } => $"{claim.Verdict}, {PlainText.Markup(claim.DifferenceText)}",
        { Holds: true } => $"[green]{claim.Verdict}[/]",
        _ => $"[red]{claim.Verdict}[/]",
    };
}
