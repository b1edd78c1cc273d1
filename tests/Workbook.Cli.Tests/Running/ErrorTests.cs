using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ErrorTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void An_exception_names_cell_line_and_source_and_later_cells_do_not_run()
    {
        JsonObject root = Notebooks.OfCode("int Divide(int a)\n{\n    return 1 / a;\n}", "var zero = 0;\n\nDivide(zero);", "Console.WriteLine(\"later\");");
        root["cells"]!.AsArray().Insert(0, new JsonObject { ["cell_type"] = "markdown", ["metadata"] = new JsonObject(), ["source"] = "# Title" });
        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("n", root));
        Assert.Equal(1, exitCode);
        Assert.Equal(
            $"error: {_workspace.PathOf("n.ipynb")}: code cell 2, line 3: `Divide(zero);`: System.DivideByZeroException: Attempted to divide by zero.",
            errors.Trim());
        JsonObject notebook = _workspace.Executed("n");
        Assert.Equal(["error: System.DivideByZeroException: Attempted to divide by zero."], Notebooks.Outputs(notebook, 1));
        Assert.Empty(Notebooks.Outputs(notebook, 2));
        string[] traceback = [.. notebook["cells"]![2]!["outputs"]![0]!["traceback"]!.AsArray().Select(line => line!.ToString())];
        Assert.Equal("line 3: Divide(zero);", traceback[0]);
        Assert.Contains("   at Divide(Int32) in code cell 1, line 3", traceback);
        Assert.Contains("   at the cell's code in code cell 2, line 3", traceback);
        Assert.DoesNotContain(traceback, line => line.Contains("Roslyn", StringComparison.Ordinal) || line.Contains("Kernel", StringComparison.Ordinal));
    }

    [Fact]
    public void Compiler_errors_are_told_as_the_compiler_tells_them_with_the_cells_lines()
    {
        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("n", "var a = 1;", "\nint b = \"text\";\nmissing();"));
        Assert.Equal(1, exitCode);
        Assert.Contains("code cell 2, line 2: `int b = \"text\";`: CompilationError: error CS0029", errors, StringComparison.Ordinal);
        string output = Assert.Single(Notebooks.Outputs(_workspace.Executed("n"), 1));
        Assert.Contains("line 3: error CS0103: The name 'missing' does not exist", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Stack_traces_are_printed_only_when_asked_for()
    {
        string path = _workspace.Write("n", "throw new InvalidOperationException(\"boom\");");
        Assert.DoesNotContain("   at ", _workspace.Run("run", path).Errors, StringComparison.Ordinal);
        Assert.Contains("   at ", _workspace.Run("run", path, "--verbose").Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!fsharp\nlet x = 1", "line 1: `#!fsharp`: MagicCommandError: #!fsharp is not known here")]
    [InlineData("var a = 1;\n#r \"nuget: Foo, 1.0\"", "line 2: `#r \"nuget: Foo, 1.0\"`: ReferenceError: #r \"nuget:…\" is not supported")]
    [InlineData("#!import ../other.csx", "other.csx can't be read")]
    [InlineData("#r \"absent.dll\"", "CS0006")]
    public void What_a_cell_may_not_hold_is_refused_in_one_line(string cell, string expected)
    {
        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("n", cell));
        Assert.Equal(1, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
    }
}
