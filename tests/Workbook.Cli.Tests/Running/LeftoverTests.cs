using System.Diagnostics;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Processes that a cell has started end with its run, however that ends, also those that have cut themselves loose.</summary>
public sealed class LeftoverTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    // Three that beat: a child, one in a session of its own whose parent has ended, and one such that has another environment.
    private static string Start(string name) => $$"""
        using System.Diagnostics;
        string beat = "while true; do echo x >> {{name}}-$0; sleep 0.05; done";
        Process.Start("sh", ["-c", beat, "child"]);
        Process.Start("sh", ["-c", "setsid sh -c '" + beat + "' session & "]).WaitForExit();
        Process.Start("sh", ["-c", "env -i PATH=/usr/bin:/bin setsid sh -c '" + beat + "' bare & "]).WaitForExit();
        while (!System.IO.File.Exists("{{name}}-child") || !System.IO.File.Exists("{{name}}-session") || !System.IO.File.Exists("{{name}}-bare"))
            System.Threading.Thread.Sleep(10);

        """;

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void They_end_when_the_notebook_does_however_that_is(string kernel)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere those that cut themselves loose are not found");
        Engines.KernelTool.RequireFor(kernel);
        (string Name, string End)[] notebooks = [("ends", "1"), ("throws", "throw new Exception(\"here\");"), ("exits", "Environment.Exit(1);"),
            ("crashes", "Environment.FailFast(\"gone\");"), ("killed", "Process.GetCurrentProcess().Kill();"), ("hangs", "System.Threading.Thread.Sleep(-1);")];
        foreach ((string name, string end) in notebooks)
        {
            _workspace.Write(name, Start(name) + end);
        }

        (int exitCode, string output, _) = Workspace.Finish(
            _workspace.Start("run", ".", "--jobs", "3", "--timeout", kernel == "workbook" ? "60" : "140", "--kernel", kernel), minutes: 15);
        Assert.Equal(1, exitCode);
        Assert.Contains("ends: ran", output, StringComparison.Ordinal);
        AssertStopped([.. notebooks.Select(notebook => notebook.Name)]);
    }

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void They_end_with_a_runner_that_is_killed(string kernel)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere those that cut themselves loose are not found");
        Engines.KernelTool.RequireFor(kernel);
        using Process process = _workspace.Start("run", _workspace.Write("n", Start("n")
            + "System.IO.File.WriteAllText(\"begun\", \"x\");\nSystem.Threading.Thread.Sleep(-1);"),
            "--kernel", kernel);
        _workspace.WaitForFile("begun");
        process.Kill();
        AssertStopped("n");
    }

    private void AssertStopped(params string[] names)
    {
        string[] beats = [.. names.SelectMany(name => new[] { "child", "session", "bare" }.Select(kind => _workspace.PathOf($"{name}-{kind}")))];
        string Lengths() => string.Join(' ', beats.Select(path => $"{Path.GetFileName(path)}:{new FileInfo(path).Length}"));
        string before = "", after = "";
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                {
                    before = Lengths();
                    Thread.Sleep(700);
                    return (after = Lengths()) == before;
                },
                TimeSpan.FromSeconds(15)),
            $"still running: {string.Join(' ', before.Split(' ').Except(after.Split(' ')))}");
    }
}
