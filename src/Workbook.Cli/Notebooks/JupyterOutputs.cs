using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>What the .NET kernel leaves in a notebook that Jupyter has run, as this runner would have left it.</summary>
internal static class JupyterOutputs
{
    // Its start-up script, with this machine's addresses, which also wants a script from the network.
    private const string Bootstrap = "dotnet-interactive-this-cell-";

    /// <summary>A copy without the kernel's start-up output, and with JSON where the kernel writes JSON as text.</summary>
    public static JsonArray Clean(JsonArray outputs)
    {
        JsonArray clean = [];
        foreach (JsonNode output in outputs.OfType<JsonNode>().Select(output => output.DeepClone()))
        {
            JsonObject? data = (output as JsonObject)?["data"] as JsonObject;
            if (data?["text/html"] is { } html && MultilineText.FromNode(html)?.Contains(Bootstrap, StringComparison.Ordinal) == true)
            {
                continue;
            }

            foreach ((string type, JsonNode? shown) in data?.ToArray() ?? [])
            {
                if (type.EndsWith("json", StringComparison.Ordinal) && shown?.GetValueKind() == JsonValueKind.String)
                {
                    data![type] = CellOutputs.ParseOrText(shown.GetValue<string>());
                }
            }

            clean.Add(output);
        }

        return clean;
    }
}
