using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class DocumentTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Everything_but_outputs_comes_back_equal()
    {
        const string text = """
            {"metadata": {"z": [1.0, 1e-7, null, {"deep": "ü🙂\u2028"}], "kernelspec": {"name": ".net-csharp", "language": "C#"}},
             "nbformat_minor": 5, "nbformat": 4,
             "cells": [
              {"cell_type": "markdown", "id": "text", "metadata": {"own": {"b": 2, "a": 1}}, "source": ["# A\n", "$x<1$"],
               "attachments": {"a.png": {"image/png": "AAAA"}}},
              {"cell_type": "raw", "id": "raw", "metadata": {"format": "text/latex"}, "source": ""},
              {"cell_type": "code", "id": "code", "metadata": {"polyglot_notebook": {"kernelName": "csharp"}, "collapsed": true},
               "source": ["var a = 1;\n", "a"], "execution_count": 99,
               "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}]}]}
            """;
        string source = _workspace.WriteText("n.ipynb", text);
        Assert.Equal(0, _workspace.Run("run", source).ExitCode);
        Assert.Equal(text, File.ReadAllText(source));
        JsonObject executed = _workspace.Executed("n");
        Assert.Equal(["execute_result: 1"], Notebooks.Outputs(executed, 0));
        JsonNode expected = JsonNode.Parse(text)!;
        foreach (JsonNode root in new[] { expected, executed })
        {
            root["cells"]![2]!["outputs"] = null;
            root["cells"]![2]!["execution_count"] = null;
        }

        Assert.Equal(expected.ToJsonString(), executed.ToJsonString());
        string written = File.ReadAllText(_workspace.PathOf("artifacts", "run", "n.ipynb"));
        Assert.StartsWith("{\n \"metadata\": {\n  \"z\": [\n   1.0,", written, StringComparison.Ordinal);
        Assert.EndsWith("}\n", written, StringComparison.Ordinal);
        Assert.Contains("ü🙂", written, StringComparison.Ordinal);
    }

    [Fact]
    public void In_place_replaces_only_a_notebook_that_ran_and_a_second_run_gives_the_same()
    {
        string good = _workspace.Write("good", "1 + 1", "1 + 1");
        string bad = _workspace.Write("bad", "throw new Exception();");
        string before = File.ReadAllText(bad);
        Assert.Equal(1, _workspace.Run("run", good, bad, "--in-place", "--out", "o").ExitCode);
        Assert.Equal(before, File.ReadAllText(bad));
        string once = File.ReadAllText(good);
        Assert.Equal(File.ReadAllText(_workspace.PathOf("o", "good.ipynb")), once);
        Assert.Equal(0, _workspace.Run("run", good, "--in-place", "--out", "o").ExitCode);
        Assert.Equal(once, File.ReadAllText(good));
    }

    [Theory]
    [InlineData("{", "is not valid JSON")]
    [InlineData("[]", "is not a notebook")]
    [InlineData("{\"nbformat\": 3, \"worksheets\": []}", "has nbformat 3")]
    [InlineData("{\"nbformat\": 4, \"nbformat_minor\": 5, \"metadata\": {}}", "it has no cells")]
    [InlineData("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\"}]}", "cell 1 has no source text")]
    [InlineData("{\"nbformat\": 4, \"cells\": [], \"metadata\": {\"kernelspec\": {\"language\": \"python\"}}}", "is a notebook in python")]
    [InlineData("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": \"1\", \"metadata\": {\"dotnet_interactive\": {\"language\": "
        + "\"fsharp\"}}}]}", "code cell 1 is in fsharp")]
    public void A_file_that_is_no_notebook_is_refused_and_keeps_no_other_from_running(string text, string expected)
    {
        string good = _workspace.Write("a-good", "File.WriteAllText(\"ran\", \"\");");
        string bad = _workspace.WriteText("bad.ipynb", text);
        (int exitCode, _, string errors) = _workspace.Run("run", good, bad);
        Assert.Equal(1, exitCode);
        string fault = Assert.Single(errors.Split('\n'), line => line.StartsWith("error:", StringComparison.Ordinal));
        Assert.StartsWith($"error: {bad}", fault, StringComparison.Ordinal);
        Assert.Contains(expected, fault, StringComparison.Ordinal);
        Assert.True(File.Exists(_workspace.PathOf("ran")));

        (exitCode, _, errors) = _workspace.Run("run", bad, "--out", "alone");
        Assert.Equal(2, exitCode);
        Assert.StartsWith($"error: {bad}", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.PathOf("alone")));
    }
}
