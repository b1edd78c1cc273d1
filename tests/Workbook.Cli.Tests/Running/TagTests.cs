using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Jupyter's tags, and cells that may fail.</summary>
public sealed class TagTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void A_cell_that_is_to_be_skipped_stays_as_it_is_and_one_that_is_to_raise_ends_nothing(string kernel)
    {
        Engines.KernelTool.RequireFor(kernel);
        JsonObject skipped = Notebooks.Code("System.IO.File.WriteAllText(\"ran\", \"\");", "skip-execution");
        skipped["execution_count"] = 7;
        skipped["outputs"] = new JsonArray(new JsonObject { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = "of before\n" });
        _workspace.Write("n", Notebooks.Of(
            Notebooks.Code("int a = 5;\nthrow new System.Exception(\"on purpose\");", "raises-exception"),
            skipped,
            Notebooks.Code("does not compile", "raises-exception"),
            Notebooks.Code("a + 1", "raises-exception")));
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--kernel", kernel);
        Assert.True(exitCode == 0, errors);
        Assert.Equal("", errors);
        JsonObject executed = _workspace.Executed("n");
        Assert.Equal(["error: System.Exception: on purpose"], Notebooks.Outputs(executed, 0));
        Assert.Equal(["stdout: of before\n"], Notebooks.Outputs(executed, 1));
        Assert.Equal("7", executed["cells"]![1]!["execution_count"]!.ToString());
        Assert.StartsWith("error: CompilationError", Notebooks.Outputs(executed, 2)[0], StringComparison.Ordinal);
        Assert.Equal(["execute_result: 6"], Notebooks.Outputs(executed, 3));
        Assert.False(File.Exists(_workspace.PathOf("ran")));
    }

    [Fact]
    public void A_crash_ends_the_run_also_where_a_cell_is_to_raise()
    {
        _workspace.Write("n", Notebooks.Of(Notebooks.Code("Environment.FailFast(\"gone\");", "raises-exception"), Notebooks.Code("1")));
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--allow-errors");
        Assert.Equal(1, exitCode);
        Assert.Contains("n.ipynb: code cell 1: ProcessCrashed", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_errors_are_allowed_the_run_goes_on_and_says_what_failed()
    {
        _workspace.Write("n", "int a = 1;\nthrow new Exception(\"first\");", "a + 1", "nope");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--allow-errors");
        Assert.Equal(0, exitCode);
        string[] lines = errors.Trim().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith($"allowed: {_workspace.PathOf("n.ipynb")}: code cell 1, line 2: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"allowed: {_workspace.PathOf("n.ipynb")}: code cell 3, line 1: ", lines[1], StringComparison.Ordinal);
        Assert.Equal(["execute_result: 2"], Notebooks.Outputs(_workspace.Executed("n"), 1));
        Assert.Equal(1, _workspace.Run("run", "n.ipynb").ExitCode);
    }

    [Fact]
    public void A_skipped_cells_claims_and_language_are_not_this_runs()
    {
        JsonObject skipped = Notebooks.Code("let x = 1", "skip-execution");
        skipped["metadata"]!["polyglot_notebook"] = new JsonObject { ["kernelName"] = "fsharp" };
        skipped["outputs"] = new JsonArray(new JsonObject
        {
            ["data"] = new JsonObject { ["application/vnd.workbook.claim+json"] = new JsonObject { ["id"] = "no claim" } },
            ["metadata"] = new JsonObject(),
            ["output_type"] = "display_data",
        });
        _workspace.Write("n", Notebooks.Of(skipped, Notebooks.Code("1")));
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.True(exitCode == 0, errors);
        Assert.Equal("[]", File.ReadAllText(_workspace.PathOf("artifacts", "run", "claims.json")).Trim());
    }

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void A_value_without_an_end_shows_how_it_begins(string kernel)
    {
        Engines.KernelTool.RequireFor(kernel);
        _workspace.Write("n", "IEnumerable<int> All() { int i = 0; while (true) yield return i++; }\nAll()", "All().Select(i => All())",
            "display(All());", "Enumerable.Range(0, 5).Where(i => i > 2)");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--timeout", "100", "--kernel", kernel);
        Assert.True(exitCode == 0, errors);
        JsonObject executed = _workspace.Executed("n");
        Assert.All(Enumerable.Range(0, 3), cell => Assert.Contains("17", Assert.Single(Notebooks.Outputs(executed, cell)), StringComparison.Ordinal));
        string few = Assert.Single(Notebooks.Outputs(executed, 3));
        Assert.Contains("3", few, StringComparison.Ordinal);
        Assert.Contains("4", few, StringComparison.Ordinal);
        Assert.Equal(kernel == "workbook" ? "execute_result: { 3, 4 }" : few, few);
    }

    [Fact]
    public void A_value_that_does_not_end_writing_itself_is_left_out()
    {
        JsonObject executed = _workspace.Execute(0, "class L { public override string ToString() { while (true) { } } }\nnew L()");
        Assert.Contains("[its value is left out: writing it takes longer than 10 s]", Assert.Single(Notebooks.Outputs(executed, 0)), StringComparison.Ordinal);
    }
}
