using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ProcessTests : IDisposable
{
    private const string Heartbeat = "Console.WriteLine(\"before\");\nwhile (true) { File.AppendAllText(\"beats\", \"x\"); Thread.Sleep(20); }";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_crash_a_stack_overflow_and_an_exit_take_nothing_else_down()
    {
        _workspace.Write("1-crash", "Console.Write(\"before\");\nEnvironment.FailFast(\"gone\");", "1");
        _workspace.Write("2-overflow", "int Deep(int n) => Deep(n + 1) + 1;\nConsole.WriteLine(\"before\");\nDeep(0)");
        _workspace.Write("3-exit", "Console.WriteLine(\"before\");\nEnvironment.Exit(0);");
        _workspace.Write("4-thread", "new Thread(() => throw new Exception(\"in a thread\")).Start();\nThread.Sleep(30000);");
        _workspace.Write("5-good", "1 + 1");
        (int exitCode, string output, string errors) = _workspace.Run("run", ".", "--jobs", "2");
        Assert.Equal(1, exitCode);
        Assert.Contains("5-good: ran", output, StringComparison.Ordinal);
        Assert.Equal(["execute_result: 2"], Notebooks.Outputs(_workspace.Executed("5-good"), 0));
        foreach ((string name, string what) in new[] { ("1-crash", "gone"), ("2-overflow", "Stack overflow."), ("3-exit", "Environment.Exit, exit code 0"),
            ("4-thread", "System.Exception: in a thread") })
        {
            Assert.Contains(errors.Split('\n'), line => line.Contains(name, StringComparison.Ordinal) && line.Contains(what, StringComparison.Ordinal));
            string[] outputs = Notebooks.Outputs(_workspace.Executed(name), 0);
            Assert.Contains(outputs, text => text.StartsWith("error: ", StringComparison.Ordinal) && text.Contains(what, StringComparison.Ordinal));
            Assert.True(name == "4-thread" || outputs.Any(text => text.StartsWith("stdout: before", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_thread_that_a_notebook_leaves_running_ends_with_it()
    {
        _workspace.Execute(0, "new Thread(() => { while (true) { File.AppendAllText(\"beats\", \"x\"); Thread.Sleep(20); } }).Start();\nwhile "
            + "(!File.Exists(\"beats\")) Thread.Sleep(10);");
        AssertHeartStopped();
    }

    [Fact]
    public void A_timeout_really_ends_the_notebook()
    {
        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("n", Heartbeat, "1"), "--timeout",
            "20"); // long enough to reach the cell on a busy machine
        Assert.Equal(1, exitCode);
        Assert.Contains("longer than 20 s", errors, StringComparison.Ordinal);
        string[] outputs = Notebooks.Outputs(_workspace.Executed("n"), 0);
        Assert.Equal("stdout: before\n", outputs[0]);
        Assert.StartsWith("error: Timeout: ", outputs[1], StringComparison.Ordinal);
        AssertHeartStopped();
    }

    [Fact]
    public void A_signal_ends_the_run_with_130_and_whole_files()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // There is no such signal to send.
        }

        Process process = _workspace.Start("run", _workspace.Write("n", "1", Heartbeat));
        _workspace.WaitForFile("beats");
        Stopwatch watch = Stopwatch.StartNew();
        Process.Start("kill", ["-TERM", process.Id.ToString()]).WaitForExit();
        Assert.Equal(130, Workspace.Finish(process).ExitCode);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 15);
        AssertHeartStopped();
        JsonObject notebook = _workspace.Executed("n");
        Assert.Equal(["execute_result: 1"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["n.ipynb"], Directory.GetFiles(_workspace.PathOf("artifacts", "run")).Select(Path.GetFileName));
    }

    [Fact]
    public void A_notebook_does_not_outlive_a_runner_that_is_killed()
    {
        Process process = _workspace.Start("run", _workspace.Write("n", Heartbeat));
        _workspace.WaitForFile("beats");
        process.Kill();
        AssertHeartStopped();
    }

    private void AssertHeartStopped()
    {
        long Length() => new FileInfo(_workspace.PathOf("beats")).Length;
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                {
                    long before = Length();
                    Thread.Sleep(700);
                    return Length() == before;
                },
                TimeSpan.FromSeconds(15)),
            "the notebook's process still runs");
    }
}
