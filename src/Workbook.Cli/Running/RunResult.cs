using System.Text.Json.Nodes;

namespace Workbook.Cli.Running;

/// <summary>What came of one notebook.</summary>
internal sealed record RunResult(string Name, string SourcePath, string OutputPath, JsonObject Document, IReadOnlyList<JsonObject> Claims, TimeSpan Elapsed, string? Error);
