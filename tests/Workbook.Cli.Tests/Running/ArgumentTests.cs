using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ArgumentTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("'bogus'", "bogus")]
    [InlineData("absent.ipynb does not exist", "run", "absent.ipynb")]
    [InlineData("there is no option --profil: --help", "run", "--profil")]
    [InlineData("there is no option --profil: --help", "run", "n.ipynb", "--profil", "paper")]
    [InlineData("-p b: the notebook has no code cell tagged", "sweep", "n.ipynb", "-p", "b=1,2")]
    [InlineData("--dataset can't be changed while a sweep goes on", "sweep", "--resume", "--dataset", "mnist")]
    [InlineData("text.txt is not a notebook", "run", "text.txt")]
    [InlineData("empty holds no notebooks", "run", "empty")]
    [InlineData("there is no folder `notebooks` here or above", "run")]
    [InlineData("--data nowhere is not a folder", "run", "n.ipynb", "--data", "nowhere")]
    [InlineData("'quick' 'paper'", "run", "n.ipynb", "--profile", "fast")]
    [InlineData("--jobs needs a whole number from 1", "run", "n.ipynb", "--jobs", "0")]
    [InlineData("--jobs needs a whole number from 1", "run", "n.ipynb", "--jobs", "abc")]
    [InlineData("--timeout needs a number of seconds", "run", "n.ipynb", "--timeout", "abc")]
    [InlineData("--timeout needs a number of seconds", "run", "n.ipynb", "--timeout", "-1")]
    [InlineData("use --in-place", "run", "n.ipynb", "--out", ".")]
    [InlineData("use --in-place", "run", "n.ipynb", "--out", "./")]
    [InlineData("--data nowhere is not a folder", "data", "list", "--data", "nowhere")]
    [InlineData("there is no data set 'nope', nor a text or model, to fetch: choose from mnist, fashion-mnist, moby-dick, minilm, resnet18",
        "data", "fetch", "mnist", "nope")]
    [InlineData("text.txt is a file", "run", "n.ipynb", "--out", "text.txt")]
    [InlineData("have the same name", "run", "n.ipynb", "sub")]
    [InlineData("write name=value", "run", "n.ipynb", "-p", "epochs")]
    public void A_wrong_argument_is_told_in_one_line_with_exit_code_2(string expected, params string[] arguments)
    {
        _workspace.Write("n", "1");
        _workspace.Write("sub/n", "1");
        _workspace.WriteText("text.txt", "");
        Directory.CreateDirectory(_workspace.PathOf("empty"));
        (int exitCode, _, string errors) = _workspace.Run(arguments);
        Assert.Equal(2, exitCode);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("--timeout", "run", "--help")]
    [InlineData("what is missing", "doctor", "--help")]
    [InlineData("doctor", "--help")]
    public void Help_is_there_for_each_command(string expected, params string[] arguments)
    {
        (int exitCode, string output, _) = _workspace.Run(arguments);
        Assert.Equal(0, exitCode);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_reach_the_notebook_as_variables_and_without_a_command_all_notebooks_run_in_name_order()
    {
        _workspace.Write("notebooks/b", "1");
        _workspace.Write("notebooks/a", "string.Join(' ', new[] { \"PROFILE\", \"DATA\", \"DATASET\" }.Select(v => "
            + "Environment.GetEnvironmentVariable(\"WORKBOOK_\" + v)))");
        Directory.CreateDirectory(_workspace.PathOf("data"));
        (int exitCode, string output, string errors) = _workspace.Run("--data", "data", "--profile", "paper", "--dataset", "digits");
        Assert.True(exitCode == 0, errors);
        string[] shown = Notebooks.Outputs(_workspace.Executed("a"), 0);
        Assert.StartsWith("execute_result: paper ", shown[0], StringComparison.Ordinal);
        Assert.EndsWith("data digits", shown[0], StringComparison.Ordinal);
        Assert.True(Path.IsPathRooted(shown[0].Split(' ')[2]));
        string[] lines = output.Split('\n');
        Assert.True(Array.FindIndex(lines, line => line.StartsWith("a  cell 1/1", StringComparison.Ordinal)) < Array.FindIndex(lines, line =>
            line.StartsWith("b  cell 1/1", StringComparison.Ordinal)));
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public void Fail_fast_leaves_the_rest_out()
    {
        _workspace.Write("a", "throw new Exception(\"first\");");
        _workspace.Write("b", "1");
        (int exitCode, string output, _) = _workspace.Run("run", ".", "--fail-fast");
        Assert.Equal(1, exitCode);
        Assert.Contains("b: not run", output, StringComparison.Ordinal);
        Assert.False(File.Exists(_workspace.PathOf("artifacts", "run", "b.ipynb")));
    }
}
