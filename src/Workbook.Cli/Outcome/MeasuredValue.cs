using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>A number that a notebook measured: recorded under a name (<see cref="Lab.Record"/>), or a claim's.</summary>
/// <param name="Name">The name, or the claim's id.</param>
/// <param name="Value">NaN where it could not be computed.</param>
/// <param name="Spread">A claim's standard deviation over the seeds of one run; null where there is one.</param>
/// <param name="Holds">Whether the claim holds; null where nothing is judged.</param>
internal sealed record MeasuredValue(string Name, double Value, string Unit, double? Spread = null, bool? Holds = null)
{
    /// <summary>All that an executed notebook measured, in its order; of one name, the last.</summary>
    public static IReadOnlyList<MeasuredValue> Find(NotebookDocument notebook)
    {
        OrderedDictionary<string, MeasuredValue> values = [];
        IEnumerable<JsonNode?> outputs = notebook.CodeCells.SelectMany(cell => cell["outputs"]!.AsArray());
        foreach (JsonNode data in outputs.Select(output => output!["data"]).OfType<JsonNode>())
        {
            if ((data[Recorded.MimeType] ?? data[ClaimOutputs.MimeType]) is JsonObject shown && Read(shown) is { } value)
            {
                values[value.Name] = value;
            }
        }

        return [.. values.Values];
    }

    // Whatever a notebook shows under these types: what is no such object is none.
    private static MeasuredValue? Read(JsonObject shown)
    {
        bool isClaim = shown.ContainsKey("id");
        string? name = ClaimOutputs.Text(shown, isClaim ? "id" : "name");
        return name is null ? null : new(name, Number(shown, isClaim ? "measured" : "value") ?? double.NaN, ClaimOutputs.Text(shown, "unit") ?? "",
            ClaimText.Seeds(shown) > 1 ? Number(shown, "spread") : null, ClaimSummary.Holds(shown));
    }

    private static double? Number(JsonObject shown, string member) => shown[member] is JsonValue value && value.TryGetValue(out double number) ? number : null;
}
