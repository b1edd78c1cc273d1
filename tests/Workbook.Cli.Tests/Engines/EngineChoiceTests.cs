using System.Text.Json.Nodes;
using Workbook.Cli.Engines;
using Workbook.Cli.Kernel;
using Workbook.Cli.Tests.Running;
using Workbook.Native;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>Which engine runs a notebook, and what is said where one can't.</summary>
public sealed class EngineChoiceTests : IDisposable
{
    private const string Ready = "printf '%s\\n' '{\"event\":{\"kernelInfos\":[]},\"eventType\":\"KernelReady\",\"command\":null}'\n";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("#!fsharp\n1", null)]
    [InlineData("#r \"nuget: Some.Package, 1.0.0\"", null)]
    [InlineData("1", "fsharp")]
    public void A_notebook_that_the_own_engine_does_not_run_is_told_which_option_does(string code, string? language)
    {
        JsonObject cell = Running.Notebooks.Code(code);
        if (language is not null)
        {
            cell["metadata"]!["polyglot_notebook"] = new JsonObject { ["kernelName"] = language };
        }

        _workspace.Write("n", Running.Notebooks.Of(cell));
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("--kernel dotnet-interactive runs it", Assert.Single(errors.Trim().Split('\n'))
            .Replace("runs the others", "runs it", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void A_notebook_in_FSharp_is_known_by_its_kernel_also_where_its_cells_say_nothing()
    {
        JsonObject notebook = Running.Notebooks.OfCode("let x = 1");
        notebook["metadata"]!["kernelspec"] = new JsonObject { ["name"] = ".net-fsharp", ["display_name"] = ".NET (F#)" };
        _workspace.Write("n", notebook);
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.Equal(2, exitCode);
        Assert.Contains("n.ipynb: code cell 1 is in fsharp; this runner runs C# cells only: --kernel dotnet-interactive runs it", errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_that_there_is_not_is_refused_wherever_it_is_named()
    {
        string path = _workspace.Write("n", "1");
        (int exitCode, _, string errors) = _workspace.Run("run", path, "--kernel", "nosuch");
        Assert.Equal(2, exitCode);
        Assert.Contains("nosuch", errors, StringComparison.Ordinal);

        JsonObject notebook = Running.Notebooks.OfCode("1");
        notebook["metadata"]!["workbook"] = new JsonObject { ["kernel"] = "nosuch" };
        (exitCode, _, errors) = _workspace.Run("run", _workspace.Write("n", notebook));
        Assert.Equal(2, exitCode);
        Assert.Contains("n.ipynb: its metadata name the kernel nosuch: there are workbook and dotnet-interactive", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_tool_or_with_another_version_of_it_one_line_says_how_to_get_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a home is a variable elsewhere");
        Dictionary<string, string> nowhere = new()
        {
            ["HOME"] = _workspace.PathOf("home"),
            ["NUGET_PACKAGES"] = _workspace.PathOf("cache"),
            ["PATH"] = "/usr/bin:/bin",
        };
        string path = _workspace.Write("n", "1");
        (int exitCode, _, string errors) = Workspace.Finish(_workspace.Start(nowhere, "run", path, "--kernel", KernelTool.Option));
        Assert.Equal(2, exitCode);
        Assert.Contains("dotnet-interactive 1.0.712001 is not here: 'dotnet tool restore'", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);

        _workspace.WriteText("cache/microsoft.dotnet-interactive/1.0.5/tools/net8.0/any/Microsoft.DotNet.Interactive.App.dll", "");
        (exitCode, _, errors) = Workspace.Finish(_workspace.Start(nowhere, "run", path, "--kernel", KernelTool.Option));
        Assert.Equal(2, exitCode);
        Assert.Contains("is here in version 1.0.5 only", errors, StringComparison.Ordinal);

        (_, string output, _) = Workspace.Finish(_workspace.Start(nowhere, "doctor"));
        Assert.Contains("kernel dotnet-interactive: not found", output, StringComparison.Ordinal);

        nowhere[EnvironmentVariables.Interactive] = _workspace.PathOf("nothing");
        (exitCode, _, errors) = Workspace.Finish(_workspace.Start(nowhere, "run", path, "--kernel", KernelTool.Option));
        Assert.Equal(2, exitCode);
        Assert.Contains($"{EnvironmentVariables.Interactive}={_workspace.PathOf("nothing")}: there is no such file", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3", "the kernel dotnet-interactive did not start (exit code 3)")]
    [InlineData("exec sleep 100", "Timeout: the notebook ran longer than 8 s")]
    [InlineData("exec yes", "Timeout: the notebook ran longer than 8 s")]
    [InlineData("exec tr '\\0' x < /dev/zero", "Timeout: the notebook ran longer than 8 s")]
    [InlineData(Ready + "exit 0", "ProcessExited")]
    [InlineData(Ready + "kill -9 $$", "ProcessCrashed: the notebook's process crashed (exit code 137, SIGKILL")]
    [InlineData(Ready + "exec sleep 100", "Timeout: the notebook ran longer than 8 s")]
    [InlineData(Ready + "printf '{\"event\":{\"event\":{}}'\nkill -11 $$", "SIGSEGV")]
    public void A_kernel_that_is_none_fails_the_cell_and_says_so(string script, string words)
    {
        (int exitCode, _, string errors) = Workspace.Finish(
            _workspace.Start(KernelTool.Script(_workspace, script), "run", _workspace.Write("n", "1"), "--kernel", KernelTool.Option, "--timeout", "8"));
        Assert.Equal(1, exitCode);
        string line = Assert.Single(errors.Trim().Split('\n'));
        Assert.Contains("n.ipynb: code cell 1: ", line, StringComparison.Ordinal);
        Assert.Contains(words, line, StringComparison.Ordinal);
        Assert.Contains(Running.Notebooks.Outputs(_workspace.Executed("n"), 0), text => text.StartsWith("error: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(
        "System.IO.FileLoadException: Could not load file or assembly 'Workbook.Notebook, Version=0.1.0.0, Culture=neutral, PublicKeyToken=null'. "
            + "Assembly with same name is already loaded\n   at X.Y()",
        "PackageError", "Workbook.Notebook is loaded already, from elsewhere: a notebook imports lab.csx or has #r")]
    [InlineData("Project.fsproj : error NU1101: Unable to find package A.B. No packages exist with this id in source(s): here", "PackageError",
        "NU1101: Unable to find package A.B.")]
    [InlineData("A.B.OwnException: first\nsecond\n   at Submission#3.<<Initialize>>d__0.MoveNext() in code cell 7:line 2", "A.B.OwnException", "first\nsecond")]
    [InlineData("The term 'x' is not recognized.\nCheck the spelling: of the name", "KernelError",
        "The term 'x' is not recognized.\nCheck the spelling: of the name")]
    [InlineData("", "KernelError", "")]
    public void The_kernels_words_become_a_name_and_a_message(string text, string name, string message)
    {
        CellError error = InteractiveErrors.Describe(text, [], new CellRequest(7, "1\n2"), "csharp");
        Assert.Equal(name, error.Name);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(text.Contains("line 2", StringComparison.Ordinal) ? 2 : 0, error.Line);
    }
}
