using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>A number that a notebook measured: recorded under a name (<see cref="Lab.Record"/>), or a claim's.</summary>
/// <param name="Name">The name, or the claim's id.</param>
/// <param name="Value">NaN where it could not be computed.</param>
/// <param name="Spread">A claim's standard deviation over the seeds of one run; null where there is one.</param>
/// <param name="Holds">Whether the claim holds; null where nothing is judged.</param>
/// <param name="Statement">What the claim says, as it stands in the notebook that was run; null for what was recorded.</param>
/// <param name="Expected">What the claim expects, in words.</param>
internal sealed record MeasuredValue(
    string Name, double Value, string Unit, double? Spread = null, bool? Holds = null, string? Statement = null, string? Expected = null)
{
    /// <summary>Whether it is a claim's number.</summary>
    [JsonIgnore]
    public bool IsClaim => Statement is not null;

    /// <summary>All that an executed notebook measured, in its order; of one name, the last.</summary>
    public static IReadOnlyList<MeasuredValue> Find(NotebookDocument notebook)
    {
        OrderedDictionary<string, MeasuredValue> values = [];
        foreach (JsonObject data in ClaimOutputs.Data(notebook))
        {
            MeasuredValue? value = Claim.TryRead(data[Claim.MimeType], notebook.Name, out Claim? claim, out _)
                ? new(claim.Id, claim.Measured, claim.Unit, claim.Seeds.Count > 1 ? claim.Spread : null, claim.Holds, claim.Statement, claim.Expected)
                : Recorded.Read(data[Recorded.MimeType]) is { } recorded ? new(recorded.Name, recorded.Value, recorded.Unit) : null;
            if (value is not null)
            {
                values[value.Name] = value;
            }
        }

        return [.. values.Values];
    }
}
