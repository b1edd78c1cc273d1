using System.Text.Json.Nodes;
using Spectre.Console;

namespace Workbook.Cli.Outcome;

/// <summary>The claims as the terminal shows them.</summary>
internal static class ClaimTable
{
    public static Table Create(ClaimSummary summary)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.AddColumn("claim");
        table.AddColumn("statement");
        table.AddColumn(new TableColumn("measured").RightAligned());
        table.AddColumn("expected");
        table.AddColumn("result");
        foreach (JsonObject claim in summary.Stated.OrderByDescending(ClaimSummary.IsOurs))
        {
            table.AddRow(Text(ClaimText.Of(claim, "id")), Text(ClaimText.Of(claim, "statement")), Text(ClaimText.Measured(claim)), Text(ClaimText.Of(claim, "expected")), Result(claim));
        }

        return table;
    }

    private static string Result(JsonObject claim)
    {
        (string note, string difference) = (Text(ClaimText.Of(claim, "note")), ClaimText.Difference(claim));
        return (ClaimSummary.IsOurs(claim), ClaimSummary.Holds(claim)) switch
        {
            (false, _) => difference.Length > 0 ? $"published, {difference}" : "published",
            (true, true) => "[green]holds[/]",
            (true, false) => "[red]does not hold[/]",
            (true, null) => note.Length > 0 ? note : "not measured here",
        };
    }

    private static string Text(string text) => Markup.Escape(text);
}
