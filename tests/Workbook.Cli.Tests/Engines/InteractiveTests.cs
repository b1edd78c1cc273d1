using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>Notebooks on the kernel that VS Code runs, driven by the runner.</summary>
public sealed class InteractiveTests : IDisposable
{
    private const string Heartbeat = "Console.WriteLine(\"before\");\n"
        + "while (true) { System.IO.File.AppendAllText(\"beats\", \"x\"); System.Threading.Thread.Sleep(20); }";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_notebook_that_names_the_kernel_uses_what_it_has()
    {
        KernelTool.Require();
        JsonObject notebook = Running.Notebooks.Of(
            Running.Notebooks.Code("int size = 1;\nstring? name = null;", "parameters"),
            Running.Notebooks.Code("size * 2 + 1"),
            InLanguage("let shared = 41\nprintfn \"%d\" (shared + 1)", "fsharp"),
            InLanguage("Write-Host hi", "pwsh"),
            Running.Notebooks.Code("#!set --name q --value @fsharp:shared\nq"),
            Running.Notebooks.Code("var d = display(\"first\");\nd.Update(\"second\");\nd.Update(\"third\");"),
            Running.Notebooks.Code("""
                Console.WriteLine("out");
                Console.OpenStandardOutput().Write("native"u8);
                Console.OpenStandardError().Write("native error"u8);
                """),
            Running.Notebooks.Code("#!value --name v\nhello"));
        notebook["metadata"]!["workbook"] = new JsonObject { ["kernel"] = KernelTool.Option };
        _workspace.Write("n", notebook);
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "-p", "size=20");
        Assert.True(exitCode == 0, errors);
        JsonObject executed = _workspace.Executed("n");
        Assert.Equal(["execute_result: 41"], Running.Notebooks.Outputs(executed, 2));
        Assert.Equal(["stdout: 42\n"], Running.Notebooks.Outputs(executed, 3));
        Assert.Equal(["stdout: hi\n"], Running.Notebooks.Outputs(executed, 4));
        Assert.Equal(["execute_result: 41"], Running.Notebooks.Outputs(executed, 5));
        Assert.Equal(["display_data: third"], Running.Notebooks.Outputs(executed, 6));
        // Two ways lead to one stream: what comes side by side is one output, in the order of arrival.
        string[] streams = [.. Running.Notebooks.Outputs(executed, 7)];
        Assert.Contains("stderr: native error", streams);
        string written = string.Concat(streams.Where(s => s.StartsWith("stdout: ", StringComparison.Ordinal)).Select(s => s["stdout: ".Length..]));
        Assert.Contains(written, new[] { "out\nnative", "nativeout\n" });
        Assert.Equal(["display_data: hello"], Running.Notebooks.Outputs(executed, 8));
    }

    [Fact]
    public void What_fails_is_said_with_the_notebooks_name_the_cell_and_the_line()
    {
        KernelTool.Require();
        (string Name, string[] Cells, string Words)[] notebooks =
        [
            ("thrown", ["int F(int n)\n{\n    return n == 0 ? throw new InvalidOperationException(\"told\") : F(n - 1);\n}", "int a = 1;\nF(2);"],
                "code cell 2, line 2: `F(2);`: System.InvalidOperationException: told"),
            ("compiled", ["int a = 1;\nint b = nope;\nint c = nope;"],
                "code cell 1, line 2: `int b = nope;`: CompilationError: error CS0103: The name 'nope' does not exist in the current context (and 1 more"),
            ("reflected", ["throw new System.Reflection.TargetInvocationException(new InvalidOperationException(\"inner\"));"],
                "InvalidOperationException: inner"),
            ("message", ["class Bad : Exception { public override string Message => throw new Exception(\"no message\"); }\nthrow new Bad();"],
                "System.Exception: no message"),
            ("exit", ["Environment.Exit(0);"], "the cell ended the notebook's process (Environment.Exit, exit code 0)"),
            ("crash", ["Environment.FailFast(\"gone\");"], "gone"),
            ("thread", ["using System.Threading;\nnew Thread(() => throw new Exception(\"in a thread\")).Start();\nThread.Sleep(30000);"],
                "System.Exception: in a thread"),
            ("killed", ["System.Diagnostics.Process.GetCurrentProcess().Kill();"], OperatingSystem.IsWindows() ? "code cell 1" : "SIGKILL"),
            ("input", ["var answer = await Microsoft.DotNet.Interactive.Kernel.GetInputAsync(\"?\");"], "asks for input"),
            ("magic", ["#!nosuch"], "Unknown magic command '#!nosuch'"),
            ("package", ["#r \"nuget: No.Such.Package.Anywhere, 1.0.0\""], "No.Such.Package.Anywhere"),
        ];
        foreach ((string name, string[] cells, _) in notebooks)
        {
            _workspace.Write(name, cells);
        }

        JsonObject unknown = Running.Notebooks.Of(InLanguage("x", "kql"));
        _workspace.Write("unknown", unknown);
        (int exitCode, string output, string errors) = Workspace.Finish(_workspace.Start("run", ".", "--jobs", "2", "--kernel", KernelTool.Option),
            minutes: 10);
        Assert.Equal(1, exitCode);
        foreach ((string name, string words) in notebooks.Select(n => (n.Name, n.Words))
            .Append(("unknown", "the cell is in kql, which this kernel does not have; it has csharp")))
        {
            Assert.Contains($"{name}: failed", output, StringComparison.Ordinal);
            Assert.Contains(errors.Split('\n'), line => line.Contains($"{name}.ipynb: code cell", StringComparison.Ordinal)
                && line.Contains(words, StringComparison.Ordinal));
            Assert.Contains(Enumerable.Range(0, notebooks.FirstOrDefault(n => n.Name == name).Cells?.Length ?? 1)
                .SelectMany(i => Running.Notebooks.Outputs(_workspace.Executed(name), i)), text => text.StartsWith("error: ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_time_limit_really_ends_a_cell_that_goes_on_and_one_that_floods()
    {
        KernelTool.Require();
        _workspace.Write("beats", Heartbeat, "1");
        _workspace.Write("flood", "while (true) Console.WriteLine(new string('x', 200));");
        // Long enough to reach the cell on a busy machine.
        (int exitCode, _, string errors) = _workspace.Run("run", ".", "--kernel", KernelTool.Option, "--timeout", "40", "--jobs", "2");
        Assert.Equal(1, exitCode);
        Assert.All((string[])["beats", "flood"],
            name => Assert.Contains(errors.Split('\n'), line => line.Contains($"{name}.ipynb: code cell 1: Timeout", StringComparison.Ordinal)));
        Assert.Equal("stdout: before\n", Running.Notebooks.Outputs(_workspace.Executed("beats"), 0)[0]);
        Assert.InRange(new FileInfo(_workspace.PathOf("artifacts", "run", "flood.ipynb")).Length, 1, 3_000_000);
        AssertHeartStopped();
    }

    [Fact]
    public void A_notebook_does_not_outlive_a_runner_that_is_killed()
    {
        KernelTool.Require();
        using Process process = _workspace.Start("run", _workspace.Write("n", Heartbeat), "--kernel", KernelTool.Option);
        _workspace.WaitForFile("beats");
        process.Kill();
        AssertHeartStopped();
    }

    [Fact]
    public void A_sweep_runs_on_it_with_a_memory_limit_that_holds()
    {
        KernelTool.Require();
        Assert.SkipUnless(OperatingSystem.IsLinux(), "nothing limits native memory elsewhere");
        JsonObject notebook = Running.Notebooks.Of(
            Running.Notebooks.Code("int size = 1;", "parameters"),
            Running.Notebooks.Code("byte[] held = GC.AllocateUninitializedArray<byte>(size * 1_000_000);\nArray.Fill(held, (byte)1);\nheld.Length"));
        (int exitCode, string output, string errors) = _workspace.Run(
            "sweep", _workspace.Write("n", notebook), "-p", "size=1,2000", "--kernel", KernelTool.Option, "--memory", "1.5", "--jobs", "1", "--runs",
                _workspace.PathOf("runs"));
        Assert.Equal(1, exitCode);
        Assert.Contains("1 of 2 points finished", output, StringComparison.Ordinal);
        Assert.Contains("OutOfMemoryException", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Outside_of_a_clone_the_runners_own_lab_script_does()
    {
        KernelTool.Require();
        _workspace.Write(
            "n",
            "#!import ../lab.csx",
            "Draw.Lines(\"t\", \"x\", \"y\", [new Series(\"a\", [1, 2], [3.0, 4])])",
            "Claims.Ours(\"pruning.x\", \"s\", [1.0, 2], Expect.Below(2))",
            "ProgressBar.Start(\"all\", 5);\nthrow new WorkbookException(\"told\");");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--kernel", KernelTool.Option);
        Assert.Equal(1, exitCode);
        Assert.Contains("code cell 4, line 2: `throw new WorkbookException(\"told\");`: Workbook.WorkbookException: told", errors, StringComparison.Ordinal);
        JsonObject executed = _workspace.Executed("n");
        Assert.Equal(["display_data: charts are ready"], Running.Notebooks.Outputs(executed, 0));
        Assert.StartsWith("execute_result: t\na: 1 3.00; 2 4.00", Running.Notebooks.Outputs(executed, 1)[0], StringComparison.Ordinal);
        Assert.Contains("stopped at 0/5", Running.Notebooks.Outputs(executed, 3)[0], StringComparison.Ordinal);
        JsonNode claim = Assert.Single(JsonNode.Parse(File.ReadAllText(_workspace.PathOf("artifacts", "run", "claims.json")))!.AsArray())!;
        Assert.Equal("pruning.x", claim["id"]!.ToString());
    }

    private static JsonObject InLanguage(string code, string language)
    {
        JsonObject cell = Running.Notebooks.Code(code);
        cell["metadata"]!["polyglot_notebook"] = new JsonObject { ["kernelName"] = language };
        return cell;
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
