using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Outcome;

/// <summary>The claims of all notebooks of a run.</summary>
internal sealed class ClaimSummary
{
    private static readonly string[] s_members = ["id", "kind", "notebook", "statement", "measured", "spread", "expected", "holds", "dataset", "profile", "seeds"];

    public ClaimSummary(IReadOnlyList<NotebookResult> results)
    {
        Claims = [.. results.SelectMany(result => result.Claims.Select(claim => WithNotebook(claim, result.Name)))];
        Stated = [.. results.SelectMany(result => result.Claims)];
        Errors =
        [
            .. Claims.Where(claim => ClaimOutputs.Text(claim, "id") is null || ClaimOutputs.Text(claim, "kind") is not ("ours" or "published"))
                .Select(claim => $"{ClaimOutputs.Text(claim, "notebook")}: a claim lacks an id or its kind is neither \"ours\" nor \"published\": {claim.ToJsonString()}"),
            .. Claims.GroupBy(claim => ClaimOutputs.Text(claim, "id")).Where(group => group.Key is not null && group.Count() > 1)
                .Select(group => $"the claim {group.Key} is made by more than one notebook: {string.Join(", ", group.Select(claim => ClaimOutputs.Text(claim, "notebook")))}"),
        ];
    }

    /// <summary>What <c>claims.json</c> holds.</summary>
    public IReadOnlyList<JsonObject> Claims { get; }

    /// <summary>The claims with all that the notebooks say about them.</summary>
    public IReadOnlyList<JsonObject> Stated { get; }

    /// <summary>What is wrong with how claims are made, a line each.</summary>
    public IReadOnlyList<string> Errors { get; }

    /// <summary>The workbook's own claims that were measured and did not hold.</summary>
    public IEnumerable<JsonObject> Failed => Claims.Where(claim => IsOurs(claim) && Holds(claim) == false);

    public static bool IsOurs(JsonObject claim) => ClaimOutputs.Text(claim, "kind") == "ours";

    /// <summary>Whether a claim holds; null if this run did not measure it.</summary>
    public static bool? Holds(JsonObject claim) => claim["holds"]?.GetValueKind() switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public void Write(string path) =>
        AtomicFile.Write(path, JupyterJson.Serialize(new JsonArray([.. Claims.Select(claim => claim.DeepClone())])));

    private static JsonObject WithNotebook(JsonObject claim, string notebook)
    {
        JsonObject row = [];
        foreach (string member in s_members)
        {
            row[member] = member == "notebook" ? notebook : claim[member]?.DeepClone();
        }

        return row;
    }
}
