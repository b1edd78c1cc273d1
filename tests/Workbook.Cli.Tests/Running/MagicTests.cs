using System.Text.Json.Nodes;
using Workbook.Cli.Kernel;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>What is a magic, and what only looks like one.</summary>
public sealed class MagicTests : IDisposable
{
    private const string LooksLikeOne = """"
        var script = """
        #!/bin/sh
        #!import nothing.csx
        """;
        // #!import nothing.csx
        /*
        #!fsharp
        #r "nuget: No.Such, 1.0"
        */
        #if false
        #!import nothing.csx
        #endif
        var verbatim = @"
        #!pwsh
        ";
        script.Length > 0
        """";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Comments_texts_and_excluded_regions_hold_none()
    {
        JsonObject notebook = _workspace.Execute(0, LooksLikeOne, "#i \"nuget: https://nowhere.example/index.json\"\n#i nothing\n1 + 1");
        Assert.Equal(["execute_result: true"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["execute_result: 2"], Notebooks.Outputs(notebook, 1));
    }

    [Fact]
    public void A_cell_is_cut_at_its_imports_and_its_lines_keep_their_numbers()
    {
        IReadOnlyList<CellPart> parts = CellParts.Split("#!csharp\nint a = 1;\r\n  #!import \"x.csx\"\nint b = 2;\n#i \"nuget: x\"\n#!import y.csx  \n");
        Assert.Equal([false, true, false, true], parts.Select(part => part.IsImport));
        Assert.Equal(["x.csx", "y.csx"], parts.Where(part => part.IsImport).Select(part => part.Text));
        Assert.Equal([3, 6], parts.Where(part => part.IsImport).Select(part => part.Line));
        Assert.Equal("int b = 2;", parts[2].Text.Split('\n')[3]);
        Assert.Equal(3, Assert.Throws<CellException>(() => CellParts.Split("int a = 1;\n\n#!time")).Line);
    }

    [Fact]
    public void Line_separators_of_Unicode_stay_in_texts_and_count_as_the_compiler_counts()
    {
        _workspace.Write("n", "string s = @\"a\u2028b\u0085c\";\nstring.Join(' ', s.Select(c => (int)c))",
            "var a = @\"\u2028\";\nthrow new Exception(\"here\");");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.Equal(1, exitCode);
        Assert.Equal(["execute_result: 97 8232 98 133 99"], Notebooks.Outputs(_workspace.Executed("n"), 0));
        Assert.Contains("`throw new Exception(\"here\");`", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void The_kernel_too_takes_the_runners_lab_script_for_real_imports_alone()
    {
        Engines.KernelTool.Require();
        _workspace.Write("n", "#!import lab.csx", "string s = \"\"\"\n    #!import lab.csx\n    \"\"\";\nMask.Full(Linear(2, 1)).Total + s.Length");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--kernel", "dotnet-interactive");
        Assert.True(exitCode == 1 || errors.Length == 0, errors); // the kernel itself takes every such line for a magic
    }

    [Theory]
    [InlineData("{\"kernelspec\": {\"name\": \".net-fsharp\"}}")]
    [InlineData("{\"kernelspec\": {\"name\": \"fsharp\", \"display_name\": \".NET (F#)\"}}")]
    [InlineData("{\"language_info\": {\"file_extension\": \".fs\"}}")]
    [InlineData("{\"language_info\": {\"name\": \"polyglot-notebook\", \"mimetype\": \"text/x-fsharp\"}, \"kernelspec\": {\"language\": \"F#\"}}")]
    [InlineData("{\"polyglot_notebook\": {\"kernelInfo\": {\"defaultKernelName\": \"fsharp\", \"items\": []}}}")]
    [InlineData("{\"dotnet_interactive\": {\"language\": \"fsharp\"}}")]
    public void A_notebook_in_FSharp_is_not_run_as_one_in_CSharp(string metadata)
    {
        JsonObject notebook = Notebooks.OfCode("let x = 1");
        notebook["metadata"] = JsonNode.Parse(metadata);
        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("n", notebook));
        Assert.Equal(2, exitCode);
        Assert.Contains("code cell 1 is in fsharp", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_notebook_without_metadata_comes_back_valid()
    {
        _workspace.WriteText("n.ipynb", """
            {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "text"}, {"cell_type": "raw", "source": "raw"}, {"cell_type": "code", "source": "1"}]}
            """);
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.True(exitCode == 0, errors);
        JsonObject executed = _workspace.Executed("n");
        Assert.Equal("{}", executed["metadata"]!.ToJsonString());
        Assert.All(executed["cells"]!.AsArray(), cell => Assert.Equal("{}", cell!["metadata"]!.ToJsonString()));
    }
}
