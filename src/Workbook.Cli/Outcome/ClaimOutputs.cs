using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Outcome;

/// <summary>Finds the claims that a notebook shows.</summary>
internal static class ClaimOutputs
{
    /// <summary>The type of an output that is a claim.</summary>
    public const string MimeType = "application/vnd.workbook.claim+json";

    /// <summary>The claims in a notebook's outputs; of one that is shown again, the last.</summary>
    public static IReadOnlyList<JsonObject> Find(NotebookDocument notebook)
    {
        OrderedDictionary<string, JsonObject> claims = [];
        IEnumerable<JsonNode?> outputs = notebook.CodeCells.SelectMany(cell => cell["outputs"]!.AsArray());
        foreach (JsonNode shown in outputs.Select(output => output!["data"]?[MimeType]).OfType<JsonNode>())
        {
            // What is no object can't be a claim; without an id it is reported as what it is.
            JsonObject claim = shown as JsonObject ?? new JsonObject { ["statement"] = shown.DeepClone() };
            claims[Text(claim, "id") ?? ""] = claim;
        }

        return [.. claims.Values];
    }

    /// <summary>A member's text; null if it is absent or null.</summary>
    public static string? Text(JsonObject claim, string member) => claim[member] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        { } other => other.ToJsonString(),
    };
}
