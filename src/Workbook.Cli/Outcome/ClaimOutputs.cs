using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>What a notebook's outputs hold for programs beside what they show to readers.</summary>
internal static class ClaimOutputs
{
    /// <summary>The claims in a notebook's outputs; of one that is shown again, the last.</summary>
    /// <param name="faults">A line for each output that calls itself a claim and is none.</param>
    public static IReadOnlyList<Claim> Find(NotebookDocument notebook, out IReadOnlyList<string> faults)
    {
        OrderedDictionary<string, Claim> claims = [];
        List<string> wrong = [];
        foreach (JsonObject data in Data(notebook).Where(data => data.ContainsKey(Claim.MimeType)))
        {
            if (Claim.TryRead(data[Claim.MimeType], notebook.Name, out Claim? claim, out string? fault))
            {
                claims[claim.Id] = claim;
            }
            else
            {
                wrong.Add(fault);
            }
        }

        faults = wrong;
        return [.. claims.Values];
    }

    /// <summary>
    /// The outputs that show something: MIME type → what it shows. A cell that is not run keeps those of another run: they say nothing of this one.
    /// </summary>
    public static IEnumerable<JsonObject> Data(NotebookDocument notebook) =>
        notebook.CodeCells.Where(cell => !NotebookDocument.IsSkipped(cell))
            .SelectMany(cell => (cell["outputs"] as JsonArray ?? []).Select(output => (output as JsonObject)?["data"])).OfType<JsonObject>();
}
