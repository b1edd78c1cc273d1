using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>A folder of its own with notebooks, in which the real program is run.</summary>
public sealed class Workspace : IDisposable
{
    /// <summary>The real program.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Workbook.Cli.exe" : "Workbook.Cli");

    public string Folder { get; } = Directory.CreateTempSubdirectory("workbook-test-").FullName;

    public string PathOf(params string[] names) => Path.Combine([Folder, .. names]);

    /// <summary>A notebook whose cells are code.</summary>
    public string Write(string name, params string[] cells) => Write(name, Notebooks.OfCode(cells));

    public string Write(string name, JsonNode notebook) => WriteText(name + ".ipynb", notebook.ToJsonString());

    public string WriteText(string name, string text)
    {
        string path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Starts the program; the environment of the test's own run does not reach it.</summary>
    public Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    public Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        ProcessStartInfo start = new(Program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("WORKBOOK_DATA");
        start.Environment.Remove("WORKBOOK_PROFILE");
        start.Environment.Remove("WORKBOOK_RUNS");
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public (int ExitCode, string Output, string Errors) Run(params string[] arguments) => Finish(Start(arguments));

    /// <param name="process">The process.</param>
    /// <param name="minutes">How long it may take on a busy machine.</param>
    public static (int ExitCode, string Output, string Errors) Finish(Process process, int minutes = 3)
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(minutes)))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail("the program did not end");
            }

            return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        }
    }

    /// <summary>Runs one notebook of code cells and returns it as executed, valid nbformat.</summary>
    public JsonObject Execute(int expectedExitCode, params string[] cells)
    {
        (int exitCode, _, string errors) = Run("run", Write("n", cells));
        Assert.True(exitCode == expectedExitCode, $"exit code {exitCode}: {errors}");
        return Executed("n");
    }

    public JsonObject Executed(string name)
    {
        JsonObject notebook = JsonNode.Parse(File.ReadAllText(PathOf("artifacts", "run", name + ".ipynb")))!.AsObject();
        Nbformat.Check(notebook);
        return notebook;
    }

    /// <summary>Waits for what a cell writes to a file.</summary>
    public string WaitForFile(string name)
    {
        string text = "";
        Assert.True(SpinWait.SpinUntil(() => File.Exists(PathOf(name)) && (text = File.ReadAllText(PathOf(name))).Length > 0, TimeSpan.FromMinutes(2)),
            $"no {name}");
        return text;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
