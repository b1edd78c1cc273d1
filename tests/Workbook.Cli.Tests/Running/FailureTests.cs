using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Whatever a cell does fails that cell, under the notebook's name: the run neither waits for ever nor ends otherwise.</summary>
public sealed class FailureTests : IDisposable
{
    private const string Host = "#r \"Workbook.Notebook\"\nusing Workbook.Notebook;\n";
    private const string Late = "async void F()\n{\n    await Task.Delay(200);\n    throw new Exception(\"late\");\n}\nF();";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Exceptions_that_can_not_be_read_and_outputs_that_are_none_fail_the_cell()
    {
        (string Name, string Code, string Words)[] cells =
        [
            ("message", "class Bad : Exception { public override string Message => throw new Exception(\"no\"); }\nthrow new Bad();",
                "code cell 1, line 2: `throw new Bad();`: Submission#0+Bad: (its message can't be read: that throws System.Exception)"),
            ("words", "class Bad : Exception { public override string ToString() => throw new Exception(\"no\"); }\nthrow new Bad();",
                "code cell 1, line 2: `throw new Bad();`: Submission#0+Bad: Exception of type"),
            ("null", "class Bad : Exception { public override string Message => null!; public override string ToString() => null!; }\nthrow new Bad();",
                "code cell 1, line 2: `throw new Bad();`: Submission#0+Bad: "),
            ("thread", "class Bad : Exception { public override string Message => throw new Exception(\"no\"); }\n"
                + "new Thread(() => throw new Bad()).Start();\nThread.Sleep(30000);", "code cell 1, line 2: "),
            ("inner", "class Bad : Exception { public override string Message => throw new Exception(\"no\"); }\n"
                + "throw new TypeInitializationException(\"T\", new Bad());", "(its message can't be read"),
            ("text", Host + "NotebookHost.Current.Display(new Dictionary<string, string> { [\"text/plain\"] = null! });",
                "code cell 1, line 3: `NotebookHost.Current.Display(new Dictionary<string, string> { [\"text/plain\"] = null! });`: "
                    + "System.ArgumentException: what is to be shown has no text for text/plain (null)"),
            ("id", Host + "NotebookHost.Current.Update(null!, new Dictionary<string, string>());", "code cell 1, line 3"),
            ("bundle", Host + "NotebookHost.Current.Display(null!);", "code cell 1, line 3"),
            ("shown", Host + "class S : IShowable { public IReadOnlyDictionary<string, string> ToBundle() => null!; }\nnew S().Show();", "code cell 1, line 4"),
            ("value", "class V { public override string ToString() => throw new Exception(\"no\"); }\ndisplay(new V());\nthrow new Exception(\"here\");",
                "code cell 1, line 3: `throw new Exception(\"here\");`: System.Exception: here"),
        ];
        foreach ((string name, string code, _) in cells)
        {
            _workspace.Write(name, code, "1");
        }

        (int exitCode, _, string errors) = _workspace.Run("run", ".", "--jobs", "2");
        Assert.Equal(1, exitCode);
        foreach ((string name, _, string words) in cells)
        {
            Assert.Contains(errors.Split('\n'), line => line.StartsWith($"error: {_workspace.PathOf(name + ".ipynb")}: {words}", StringComparison.Ordinal)
                || (line.Contains($"{name}.ipynb: code cell 1", StringComparison.Ordinal) && line.Contains(words, StringComparison.Ordinal)));
            Assert.Contains(Notebooks.Outputs(_workspace.Executed(name), 0), output => output.StartsWith("error: ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void What_fails_later_is_the_failure_of_the_cell_that_began_it()
    {
        (string Name, string[] Cells, string Words)[] notebooks =
        [
            ("last", [Late], "code cell 1, line 4: `throw new Exception(\"late\");`: System.Exception: late"),
            ("meanwhile", [Late, "int a = 1;\nThread.Sleep(2000);", "a"],
                "code cell 1, line 4: `throw new Exception(\"late\");`: System.Exception: late (while code cell 2 ran, or after it)"),
            ("at-once", ["async void F() => throw new Exception(\"now\");\nF();", "1"], "code cell 1, line 1: "),
            ("thread", ["\nnew Thread(() => { Thread.Sleep(300); throw new Exception(\"thread\"); }).Start();"], "code cell 1, line 2: "),
            ("exit-thread", ["new Thread(() => { Thread.Sleep(300); Environment.Exit(3); }).Start();"], "ProcessExited: the cell ended the notebook's process"),
            ("exit-task", ["_ = Task.Run(async () => { await Task.Delay(300); Environment.Exit(4); });"], "exit code 4"),
        ];
        foreach ((string name, string[] cells, _) in notebooks)
        {
            _workspace.Write(name, cells);
        }

        _workspace.Write("fine", "async void F() { await Task.Delay(300); Console.Write(\"ended\"); }\nF();");
        _workspace.Write("endless", "async void F() { while (true) await Task.Delay(100); }\nF();");
        (int exitCode, string output, string errors) = _workspace.Run("run", ".", "--jobs", "2");
        Assert.Equal(1, exitCode);
        foreach ((string name, _, string words) in notebooks)
        {
            string line = Assert.Single(errors.Split('\n'), line => line.Contains(_workspace.PathOf(name + ".ipynb: "), StringComparison.Ordinal));
            Assert.Contains(words, line, StringComparison.Ordinal);
            Assert.Contains(Notebooks.Outputs(_workspace.Executed(name), 0), text => text.StartsWith("error: ", StringComparison.Ordinal));
        }

        Assert.Contains("fine: ran", output, StringComparison.Ordinal);
        Assert.Equal(["stdout: ended"], Notebooks.Outputs(_workspace.Executed("fine"), 0));
        Assert.Contains("endless: ran", output, StringComparison.Ordinal);
        Assert.Contains("still ran when the notebook ended", Assert.Single(Notebooks.Outputs(_workspace.Executed("endless"), 0)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("workbook")]
    [InlineData("dotnet-interactive")]
    public void A_notebook_that_shows_nothing_and_computes_nothing_is_stopped_and_one_that_computes_is_not(string kernel)
    {
        Engines.KernelTool.RequireFor(kernel);
        _workspace.Write("silent", "System.Threading.Thread.Sleep(-1);");
        _workspace.Write("busy", "var until = DateTime.UtcNow.AddSeconds(25);\nwhile (DateTime.UtcNow < until) { }");
        _workspace.Write("child", "var sleep = System.Diagnostics.Process.Start(\"sh\", [\"-c\", \"i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done\"]);\n"
            + "sleep.WaitForExit();");
        _workspace.Write("telling", "for (int i = 0; i < 25; i++) { System.Threading.Thread.Sleep(1000); Console.Write('.'); }");
        (int exitCode, string output, string errors) = _workspace.Run("run", ".", "--silence", "12", "--jobs", "4", "--kernel", kernel);
        Assert.Equal(1, exitCode);
        string line = Assert.Single(errors.Trim().Split('\n'));
        Assert.Contains("silent.ipynb: code cell 1: Silence: for 12 s the notebook showed nothing and used no processor time", line, StringComparison.Ordinal);
        Assert.Contains("--silence", line, StringComparison.Ordinal);
        Assert.All((string[])["busy", "telling"], name => Assert.Contains($"{name}: ran", output, StringComparison.Ordinal));
        Assert.True(OperatingSystem.IsWindows() || output.Contains("child: ran", StringComparison.Ordinal), output);
    }
}
