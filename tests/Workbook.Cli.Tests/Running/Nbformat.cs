using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>What the JSON schema of nbformat 4.5 demands.</summary>
internal static partial class Nbformat
{
    public static void Check(JsonObject notebook)
    {
        HasExactly(notebook, "cells", "metadata", "nbformat", "nbformat_minor");
        Assert.Equal(4, (int)notebook["nbformat"]!);
        Assert.Equal(5, (int)notebook["nbformat_minor"]!);
        Assert.IsType<JsonObject>(notebook["metadata"]);
        HashSet<string> ids = [];
        foreach (JsonNode? node in notebook["cells"]!.AsArray())
        {
            JsonObject cell = node!.AsObject();
            Assert.Matches(Id(), cell["id"]!.ToString());
            Assert.True(ids.Add(cell["id"]!.ToString()), "an id is used twice");
            Assert.IsType<JsonObject>(cell["metadata"]);
            IsText(cell["source"]);
            if (cell["cell_type"]!.ToString() == "code")
            {
                HasExactly(cell, "cell_type", "execution_count", "id", "metadata", "outputs", "source");
                IsCount(cell["execution_count"]);
                Assert.All(cell["outputs"]!.AsArray(), output => CheckOutput(output!.AsObject()));
            }
            else
            {
                Assert.Contains(cell["cell_type"]!.ToString(), (string[])["markdown", "raw"]);
                Assert.Empty(cell.Select(member => member.Key).Except(["cell_type", "id", "metadata", "source", "attachments"]));
            }
        }
    }

    private static void CheckOutput(JsonObject output)
    {
        switch (output["output_type"]!.ToString())
        {
            case "stream":
                HasExactly(output, "name", "output_type", "text");
                Assert.Contains(output["name"]!.ToString(), (string[])["stdout", "stderr"]);
                IsText(output["text"]);
                break;
            case "display_data":
                HasExactly(output, "data", "metadata", "output_type");
                CheckBundle(output);
                break;
            case "execute_result":
                HasExactly(output, "data", "execution_count", "metadata", "output_type");
                IsCount(output["execution_count"]);
                CheckBundle(output);
                break;
            case "error":
                HasExactly(output, "ename", "evalue", "output_type", "traceback");
                Assert.Equal(JsonValueKind.String, output["ename"]!.GetValueKind());
                Assert.Equal(JsonValueKind.String, output["evalue"]!.GetValueKind());
                Assert.All(output["traceback"]!.AsArray(), line => Assert.Equal(JsonValueKind.String, line!.GetValueKind()));
                break;
            case string other:
                Assert.Fail($"unknown output type {other}");
                break;
        }
    }

    private static void CheckBundle(JsonObject output)
    {
        Assert.IsType<JsonObject>(output["metadata"]);
        foreach ((string type, JsonNode? value) in output["data"]!.AsObject())
        {
            if (!type.EndsWith("json", StringComparison.Ordinal))
            {
                IsText(value);
            }
        }
    }

    private static void HasExactly(JsonObject node, params string[] members) =>
        Assert.Equal(members.Order(StringComparer.Ordinal), node.Select(member => member.Key).Order(StringComparer.Ordinal));

    private static void IsCount(JsonNode? node) => Assert.True(node is null || (int)node >= 0);

    private static void IsText(JsonNode? node)
    {
        if (node is JsonArray lines)
        {
            Assert.All(lines, line => Assert.Equal(JsonValueKind.String, line!.GetValueKind()));
            Assert.All(lines.SkipLast(1), line => Assert.EndsWith("\n", line!.ToString(), StringComparison.Ordinal));
        }
        else
        {
            Assert.Equal(JsonValueKind.String, node!.GetValueKind());
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9-_]{1,64}$")]
    private static partial Regex Id();
}
