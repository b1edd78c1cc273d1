using System.Text.Json.Nodes;
using Spectre.Console;

namespace Workbook.Cli.Claims;

/// <summary>The claims as the terminal shows them.</summary>
internal static class ClaimTable
{
    public static Table Create(ClaimSummary summary)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("claim", "statement", "measured", "expected");
        table.AddColumn(new TableColumn("result").NoWrap());
        foreach (JsonObject claim in summary.Claims.OrderByDescending(ClaimSummary.IsOurs))
        {
            string measured = Text(claim, "measured");
            string spread = Text(claim, "spread");
            table.AddRow(
                Text(claim, "id"),
                Text(claim, "statement"),
                spread.Length > 0 ? $"{measured} ± {spread}" : measured,
                Text(claim, "expected"),
                Result(claim));
        }

        return table;
    }

    private static string Result(JsonObject claim) => (ClaimSummary.IsOurs(claim), ClaimSummary.Holds(claim)) switch
    {
        (false, _) => "published",
        (true, true) => "[green]holds[/]",
        (true, false) => "[red]does not hold[/]",
        (true, null) => "not measured here",
    };

    private static string Text(JsonObject claim, string member) => Markup.Escape(ClaimOutputs.Text(claim, member) ?? "");
}
