using System.Text.Json.Nodes;

namespace Workbook.Cli.Outcome;

/// <summary>One notebook after its run.</summary>
/// <param name="Name">The file's name without extension.</param>
/// <param name="SourcePath">The notebook that was run.</param>
/// <param name="OutputPath">The executed notebook.</param>
/// <param name="Document">The executed notebook's JSON (nbformat 4.5).</param>
/// <param name="Claims">The claims in its outputs, as the notebook states them.</param>
/// <param name="Elapsed">Wall time from the start of its process; null for a run of earlier.</param>
/// <param name="Error">Null if every cell ran, else one line that says what failed.</param>
internal sealed record NotebookResult(string Name, string SourcePath, string OutputPath, JsonObject Document, IReadOnlyList<JsonObject> Claims, TimeSpan? Elapsed, string? Error);
