using System.Text.Json.Nodes;

namespace Workbook.Cli.Tests.Running;

/// <summary>Makes notebooks, and reads executed ones.</summary>
internal static class Notebooks
{
    public static JsonObject Code(string source, params string[] tags) => new()
    {
        ["cell_type"] = "code",
        ["execution_count"] = null,
        ["metadata"] = tags.Length == 0 ? new JsonObject() : new JsonObject { ["tags"] = new JsonArray([.. tags.Select(t => (JsonNode)t)]) },
        ["outputs"] = new JsonArray(),
        ["source"] = source,
    };

    public static JsonObject Of(params JsonObject[] cells) => new()
    {
        ["cells"] = new JsonArray([.. cells]),
        ["metadata"] = new JsonObject(),
        ["nbformat"] = 4,
        ["nbformat_minor"] = 4,
    };

    public static JsonObject OfCode(params string[] cells) => Of([.. cells.Select(cell => Code(cell))]);

    /// <summary>The outputs of a code cell, from 0, each in one line: type, then text.</summary>
    public static string[] Outputs(JsonObject notebook, int cell)
    {
        JsonArray outputs = notebook["cells"]!.AsArray().Where(c => c!["cell_type"]!.ToString() == "code").ElementAt(cell)!["outputs"]!.AsArray();
        return [.. outputs.Select(output => output!["output_type"]!.ToString() switch
        {
            "stream" => $"{output["name"]}: {Join(output["text"])}",
            "error" => $"error: {output["ename"]}: {output["evalue"]}",
            string shown => $"{shown}: {Join(output["data"]!["text/plain"])}",
        })];
    }

    public static string Join(JsonNode? text) => text is JsonArray lines ? string.Concat(lines.Select(line => line!.ToString())) : text!.ToString();
}
