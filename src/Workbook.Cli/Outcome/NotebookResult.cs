using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>One notebook after its run.</summary>
/// <param name="Name">The file's name without extension.</param>
/// <param name="SourcePath">The notebook that was run.</param>
/// <param name="OutputPath">The executed notebook.</param>
/// <param name="Document">The executed notebook's JSON (nbformat 4.5).</param>
/// <param name="Claims">The claims in its outputs.</param>
/// <param name="Faults">A line for each output that calls itself a claim and is none.</param>
/// <param name="Elapsed">Wall time from the start of its process; null for a run of earlier.</param>
/// <param name="Error">Null if every cell ran, else one line that says what failed.</param>
internal sealed record NotebookResult(
    string Name, string SourcePath, string OutputPath, JsonObject Document, IReadOnlyList<Claim> Claims, IReadOnlyList<string> Faults, TimeSpan? Elapsed,
        string? Error)
{
    /// <summary>What became of a notebook whose outputs are those of its run.</summary>
    public static NotebookResult Of(NotebookDocument executed, string outputPath, TimeSpan? elapsed = null, string? error = null)
    {
        IReadOnlyList<Claim> claims = ClaimOutputs.Find(executed, out IReadOnlyList<string> faults);
        return new(executed.Name, executed.Path, outputPath, executed.Root, claims, faults, elapsed, error);
    }
}
