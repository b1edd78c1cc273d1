using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ParameterTests : IDisposable
{
    private const string Declarations = "int epochs = 3;\ndouble rate = 0.1;\nstring name = \"none\";\nint[] seeds = [1];\nbool quick = false, other = true;";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Values_go_to_a_tagged_cell_behind_the_parameters_and_replace_an_earlier_one()
    {
        string path = _workspace.Write("n", Notebooks.Of(
            Notebooks.Code(Declarations, "parameters"),
            Notebooks.Code("epochs = 77;", "injected-parameters"),
            Notebooks.Code("$\"{epochs} {rate} {name} {string.Join('-', seeds)} {quick}\"")));
        (int exitCode, _, string errors) = _workspace.Run("run", path, "-p", "epochs=5", "-p", "rate=1e-3", "-p", "name=a \"b\"", "-p", "seeds=[4, 5]", "-p",
            "quick=true");
        Assert.True(exitCode == 0, errors);
        JsonObject notebook = _workspace.Executed("n");
        Assert.Equal(3, notebook["cells"]!.AsArray().Count);
        Assert.Equal("injected-parameters", notebook["cells"]![1]!["metadata"]!["tags"]![0]!.ToString());
        Assert.Equal(["execute_result: 5 0.001 a \"b\" 4-5 True"], Notebooks.Outputs(notebook, 2));
    }

    [Fact]
    public void Without_parameters_an_earlier_runs_values_are_gone()
    {
        string path = _workspace.Write("n", Notebooks.Of(Notebooks.Code(Declarations, "parameters"), Notebooks.Code("epochs = 77;", "injected-parameters"),
            Notebooks.Code("epochs")));
        Assert.Equal(0, _workspace.Run("run", path).ExitCode);
        Assert.Equal(["execute_result: 3"], Notebooks.Outputs(_workspace.Executed("n"), 1));
    }

    [Fact]
    public void A_name_that_is_not_declared_is_refused_with_the_names_that_are()
    {
        string path = _workspace.Write("n", Notebooks.Of(Notebooks.Code(Declarations, "parameters")));
        (int exitCode, _, string errors) = _workspace.Run("run", path, "-p", "epoch=5");
        Assert.Equal(2, exitCode);
        Assert.Equal("error: -p epoch: no such parameter; there are: epochs, name, other, quick, rate, seeds", errors.Trim());
    }

    [Fact]
    public void A_value_of_another_type_is_the_compilers_error()
    {
        string path = _workspace.Write("n", Notebooks.Of(Notebooks.Code(Declarations, "parameters")));
        (int exitCode, _, string errors) = _workspace.Run("run", path, "-p", "epochs=2.5");
        Assert.Equal(1, exitCode);
        Assert.Contains("`epochs = 2.5;`: CompilationError: error CS0266", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_arrive_as_what_the_cell_declares()
    {
        string path = _workspace.Write("n", Notebooks.Of(
            Notebooks.Code("""
                enum Mode { Fast, Slow }
                float hex = 1f;
                double none = 0;
                int plus = 1;
                Mode mode = Mode.Fast;
                var same = Mode.Fast;
                DateTime day = DateTime.MinValue;
                float[] parts = [];
                var text = "a";
                """, "parameters"),
            Notebooks.Code("FormattableString.Invariant($\"{hex} {none} {plus} {mode} {same} {day:yyyy-MM-dd} {parts.Sum()} {text}\")")));
        (int exitCode, _, string errors) = _workspace.Run("run", path, "-p", "hex=0x10", "-p", "none=NaN", "-p", "plus=+5", "-p", "mode=Slow", "-p",
            "same=Slow", "-p", "day=2026-01-02", "-p", "parts=[0.5, 0.25]", "-p", "text=5");
        Assert.True(exitCode == 0, errors);
        Assert.Equal(["execute_result: 16 NaN 5 Slow Slow 2026-01-02 0.75 5"], Notebooks.Outputs(_workspace.Executed("n"), 2));
    }

    [Theory]
    [InlineData("5", "int", "5")]
    [InlineData("-5", "long", "-5")]
    [InlineData("0.5", "float", "0.5f")]
    [InlineData("0.5", "decimal", "0.5m")]
    [InlineData("true", "var", "true")]
    [InlineData("5", "string", "\"5\"")]
    [InlineData("\"5\"", "string", "\"5\"")]
    [InlineData("two words", "var", "\"two words\"")]
    [InlineData("C:\\data", "string", "\"C:\\\\data\"")]
    [InlineData("[1, 2.5]", "double[]", "[1, 2.5]")]
    [InlineData("Exit()", "var", "\"Exit()\"")]
    [InlineData("True", "bool", "true")]
    [InlineData("0x10", "float", "0x10")]
    [InlineData("0x1f", "double", "0x1f")]
    [InlineData("-0b11", "decimal", "-0b11")]
    [InlineData("1e3", "float", "1e3f")]
    [InlineData("+5", "int", "5")]
    [InlineData("+.5", "double", ".5")]
    [InlineData("5.", "double", "5.0")]
    [InlineData("NaN", "double", "double.NaN")]
    [InlineData("nan", "float", "float.NaN")]
    [InlineData("-Infinity", "double?", "double.NegativeInfinity")]
    [InlineData("∞", "float", "float.PositiveInfinity")]
    [InlineData("null", "double?", "null")]
    [InlineData("Slow", "Mode", "Mode.Slow")]
    [InlineData("Mode.Slow", "Mode", "Mode.Slow")]
    [InlineData("Read | Write", "FileAccess", "FileAccess.Read | FileAccess.Write")]
    [InlineData("2026-01-02", "DateOnly", "DateOnly.Parse(\"2026-01-02\", System.Globalization.CultureInfo.InvariantCulture)")]
    [InlineData("00:10", "TimeSpan", "TimeSpan.Parse(\"00:10\", System.Globalization.CultureInfo.InvariantCulture)")]
    [InlineData("[0.5, 1, +2, NaN]", "float[]", "[0.5f, 1f, 2f, float.NaN]")]
    [InlineData("[[0.5], [1]]", "float[][]", "[[0.5f], [1f]]")]
    [InlineData("[a, \"b, c\"]", "List<string>", "[\"a\", \"b, c\"]")]
    [InlineData("[Fast, Slow]", "IReadOnlyList<Mode>", "[Mode.Fast, Mode.Slow]")]
    [InlineData("[]", "int[]", "[]")]
    [InlineData("[.. Enumerable.Range(0, 3)]", "int[]", "[.. Enumerable.Range(0, 3)]")]
    [InlineData("x", "char", "'x'")]
    public void A_value_becomes_the_literal_that_its_type_asks_for(string value, string type, string literal) =>
        Assert.Equal(literal, ParameterLiteral.Of(value, type));
}
