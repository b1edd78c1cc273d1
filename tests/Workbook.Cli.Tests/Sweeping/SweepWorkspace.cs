using System.Diagnostics;
using System.Text.RegularExpressions;
using Workbook.Cli.Tests.Running;
using Xunit;
using Cells = Workbook.Cli.Tests.Running.Notebooks;

namespace Workbook.Cli.Tests.Sweeping;

/// <summary>A workspace for sweeps over one notebook, whose store is the workspace's folder <c>store</c>.</summary>
internal sealed partial class SweepWorkspace : IDisposable
{
    /// <summary>Leaves a file for each time that a point came to its end: <see cref="Ended"/> counts them.</summary>
    public const string End = "File.WriteAllText($\"ended-{seed}-{Guid.NewGuid():N}\", \"\");";

    private readonly Workspace _workspace = new();

    public string Folder => _workspace.Folder;

    public string PathOf(params string[] names) => _workspace.PathOf(names);

    /// <summary>Writes <c>n.ipynb</c>: the declarations of its parameters, then its other cells.</summary>
    public void Write(string parameters, params string[] cells) =>
        _workspace.Write("n", Cells.Of([Cells.Code(parameters, "parameters"), .. cells.Select(cell => Cells.Code(cell))]));

    /// <summary>A cell that records a number; the library's own start, with torch, is left out.</summary>
    public static string Record(string name, string value) => $"#r \"Workbook.Notebook.dll\"\nWorkbook.Notebook.Lab.Record(\"{name}\", {value}, \"points\");";

    public Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    public Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        _workspace.Start(environment, ["sweep", .. arguments, "--runs", "store"]);

    /// <summary>Runs a sweep to its end: what it prints, and its errors by line.</summary>
    public (string Output, string[] Errors) Run(int expectedExitCode, params string[] arguments) => Finish(expectedExitCode, Start(arguments));

    public static (string Output, string[] Errors) Finish(int expectedExitCode, Process process)
    {
        (int exitCode, string output, string errors) = Workspace.Finish(process);
        Assert.True(exitCode == expectedExitCode, $"exit code {exitCode}: {errors}\n{output}");
        return (output, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>How often the points came to their end: seed → count.</summary>
    public IReadOnlyDictionary<int, int> Ended() => Directory.GetFiles(Folder, "ended-*").Select(path => int.Parse(Path.GetFileName(path).Split('-')[1]))
        .GroupBy(seed => seed).ToDictionary(group => group.Key, group => group.Count());

    public void AssertEndedOnce(int points)
    {
        IReadOnlyDictionary<int, int> ended = Ended();
        Assert.Equal(Enumerable.Range(0, points), ended.Keys.Order());
        Assert.All(ended, e => Assert.Equal(1, e.Value));
    }

    /// <summary>The folders of finished points, or of failed ones; whatever has another kind of name is listed too.</summary>
    public string[] PointFolders(string kind = "points")
    {
        string folder = PathOf("store", "sweeps", kind);
        return Directory.Exists(folder) ? [.. Directory.GetDirectories(folder).Where(path => Path.GetFileName(path) != ".locks")] : [];
    }

    public void AssertNothingIsHalfDone()
    {
        foreach (string point in PointFolders().Concat(PointFolders("failed")))
        {
            Assert.Matches(Hash(), Path.GetFileName(point));
            Assert.Equal(["SHA256SUMS", "n.ipynb", "point.json"], Directory.GetFiles(point).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
    }

    public string WaitForFile(string name) => _workspace.WaitForFile(name);

    public void WaitForExists(string name) => WaitFor(name, () => File.Exists(PathOf(name)));

    public static void WaitFor(string what, Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromMinutes(2)), $"in vain: {what}");

    public void Dispose() => _workspace.Dispose();

    [GeneratedRegex("^[0-9a-f]{20}$")]
    private static partial Regex Hash();
}
