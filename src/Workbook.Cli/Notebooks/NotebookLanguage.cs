using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>The languages of cells, as Polyglot Notebooks and Jupyter write them into the metadata, by the names that .NET Interactive has for them.</summary>
internal static class NotebookLanguage
{
    public const string CSharp = "csharp";

    private static readonly string[] s_dotnet = [CSharp, "fsharp", "pwsh"];

    /// <summary>The members of a cell's metadata that name its language.</summary>
    public static string[] Keys { get; } = ["polyglot_notebook", "dotnet_interactive"];

    /// <summary>What a notebook may be in; single cells may be in more.</summary>
    public static bool IsDotnet(string language) => s_dotnet.Contains(language);

    /// <summary>A cell's own language; null where it has the notebook's.</summary>
    public static string? OfCell(JsonObject cell) => Normal(Text(cell["metadata"], Keys[0], "kernelName") ?? Text(cell["metadata"], Keys[1], "language"));

    /// <summary>The language of a notebook's unmarked cells; null where its metadata do not say.</summary>
    public static string? OfNotebook(JsonNode? metadata) => Normal(
        Text(metadata, Keys[0], "kernelInfo", "defaultKernelName") ?? Text(metadata, Keys[1], "defaultKernelName") ?? Text(metadata, Keys[1], "language")
        ?? Text(metadata, "kernelspec", "language") ?? OfKernel(Text(metadata, "kernelspec", "name")) ?? OfTitle(Text(metadata, "kernelspec", "display_name"))
        ?? OfInfo(metadata));

    // The name of all languages together says none.
    private static string? OfInfo(JsonNode? metadata) => Text(metadata, "language_info", "name") is { } name && name != "polyglot-notebook" ? name
        : Text(metadata, "language_info", "file_extension") switch { ".cs" => CSharp, ".fs" => "fsharp", ".ps1" => "pwsh", _ => null };

    private static string? OfKernel(string? name) => name?.StartsWith(".net-", StringComparison.Ordinal) == true ? name[5..] : null;

    private static string? OfTitle(string? title) => title?.StartsWith(".NET (", StringComparison.Ordinal) == true && title.EndsWith(')') ? title[6..^1] : null;

    /// <summary>The text at a path of members; null where there is none.</summary>
    public static string? Text(JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (string key in path)
        {
            node = (node as JsonObject)?[key];
        }

        return node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
    }

    private static string? Normal(string? language) => language?.ToLowerInvariant() switch
    {
        "c#" or "cs" => CSharp,
        "f#" or "fs" => "fsharp",
        "powershell" => "pwsh",
        var other => other,
    };
}
