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
            table.AddRow(Text(claim, "id"), Text(claim, "statement"), Measured(claim), Text(claim, "expected"), Result(claim));
        }

        return table;
    }

    private static string Measured(JsonObject claim)
    {
        string measured = Number(claim, "measured");
        string spread = Number(claim, "spread");
        string unit = Text(claim, "unit");
        return measured.Length == 0 ? "" : $"{measured}{(spread.Length > 0 ? " ± " + spread : "")}{(unit.Length > 0 ? " " + unit : "")}";
    }

    private static string Result(JsonObject claim)
    {
        string note = Text(claim, "note");
        string difference = Number(claim, "difference");
        return (ClaimSummary.IsOurs(claim), ClaimSummary.Holds(claim)) switch
        {
            (false, _) => difference.Length > 0 ? $"published, {(difference[0] == '-' ? "" : "+")}{difference}" : "published",
            (true, true) => "[green]holds[/]",
            (true, false) => "[red]does not hold[/]",
            (true, null) => note.Length > 0 ? note : "not measured here",
        };
    }

    private static string Number(JsonObject claim, string member) =>
        claim[member] is JsonValue value && value.TryGetValue(out double number)
            ? Math.Abs(number) is >= 0.01 or 0 ? number.ToString("0.00") : number.ToString("G2")
            : Text(claim, member);

    private static string Text(JsonObject claim, string member) => Markup.Escape(ClaimOutputs.Text(claim, member) ?? "");
}
