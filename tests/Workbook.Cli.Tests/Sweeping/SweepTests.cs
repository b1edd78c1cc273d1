using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

public sealed class SweepTests : IDisposable
{
    private readonly SweepWorkspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Every_combination_runs_once_and_what_was_measured_becomes_a_tidy_table_and_a_page()
    {
        _workspace.Write("int seed = 0;\ndouble sparsity = 0.5;", "File.WriteAllText($\"ran-{seed}-{sparsity}-{Guid.NewGuid():N}\", \"\");",
            SweepWorkspace.Record("gain, in all", "10 * seed + sparsity"), Claim("seed > 0"));
        (string output, _) = _workspace.Run(0, "n.ipynb", "-p", "seed=0..2", "-p", "sparsity=0.9,0.95");
        Assert.Contains("n: 6 points, seed (3) × sparsity (2); 0 finished, 6 to do", output, StringComparison.Ordinal);
        Assert.Contains("6 of 6 points finished", output, StringComparison.Ordinal);
        Assert.Contains("11 [1, 21] points", output, StringComparison.Ordinal);
        string csv = File.ReadAllText(output.Split('\n').Single(line => line.EndsWith("points.csv", StringComparison.Ordinal)));
        string[] rows = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("notebook,seed,sparsity,value,measured,spread,unit,holds,profile,", rows[0], StringComparison.Ordinal);
        Assert.Equal(1 + (6 * 2), rows.Length);
        Assert.StartsWith("n,2,0.95,\"gain, in all\",20.95,,points,,quick,", rows[^2], StringComparison.Ordinal);
        Assert.StartsWith("n,0,0.9,pruning.tiny,1.5,,,false,quick,", rows[2], StringComparison.Ordinal);

        string page = File.ReadAllText(output.Split('\n').Single(line => line.EndsWith("report.html", StringComparison.Ordinal)));
        Assert.Contains("4 of 6</td>", page, StringComparison.Ordinal);
        Assert.Contains("sparsity 0.95 − 0.9", page, StringComparison.Ordinal);
        Assert.Contains("3 of 3", page, StringComparison.Ordinal);

        // Other points of another sweep: what they have in common is there; order and repeated values of `-p` change nothing.
        (output, _) = _workspace.Run(0, "n.ipynb", "-p", "sparsity=0.95", "-p", "seed=1..3");
        Assert.Contains("n: 3 points, sparsity (1) × seed (3); 2 finished, 1 to do", output, StringComparison.Ordinal);
        Assert.Equal(7, Directory.GetFiles(_workspace.Folder, "ran-*").Length);
        _workspace.AssertNothingIsHalfDone();

        // A list of trainings is not confused by them.
        Assert.DoesNotContain("damaged", new Running.Workspace().Run("runs", "list", "--runs", _workspace.PathOf("store")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sweep_that_goes_on_with_another_library_says_so_and_counts_that_ones_points()
    {
        _workspace.Write("int seed = 0;", SweepWorkspace.End);
        _workspace.Run(0, "n.ipynb", "-p", "seed=0,1");
        string definition = Assert.Single(Directory.GetFiles(_workspace.PathOf("store", "sweeps"), "sweep.json", SearchOption.AllDirectories));
        string text = File.ReadAllText(definition);
        File.WriteAllText(definition, text.Replace("\"version\": \"", "\"version\": \"0.0.", StringComparison.Ordinal));
        (string output, _) = _workspace.Run(0, "--resume");
        Assert.Contains("the library has changed since this sweep began", output, StringComparison.Ordinal);
        Assert.Contains("2 finished, 0 to do", output, StringComparison.Ordinal);
        (output, _) = _workspace.Run(0, "--resume");
        Assert.DoesNotContain("the library has changed", output, StringComparison.Ordinal);
        _workspace.AssertEndedOnce(2);
    }

    [Fact]
    public void A_changed_notebook_is_another_and_a_damaged_point_is_none()
    {
        _workspace.Write("int seed = 0;", SweepWorkspace.Record("x", "seed"), SweepWorkspace.End);
        _workspace.Run(0, "n.ipynb", "-p", "seed=0,1");
        File.AppendAllText(Path.Combine(_workspace.PointFolders()[0], "point.json"), " ");
        Assert.Contains("1 finished, 1 to do", _workspace.Run(0, "--resume").Output, StringComparison.Ordinal);
        _workspace.AssertNothingIsHalfDone();
        _workspace.Write("int seed = 0;", SweepWorkspace.Record("x", "seed + 1"), SweepWorkspace.End);
        Assert.Contains("0 finished, 1 to do", _workspace.Run(0, "n.ipynb", "-p", "seed=0").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no such parameter; there are: rate, seed", "n.ipynb", "-p", "sparsity=0.9")]
    [InlineData("write name=value", "n.ipynb", "-p", "seed")]
    [InlineData("9..0 is no range", "n.ipynb", "-p", "seed=9..0")]
    [InlineData("2 is there twice", "n.ipynb", "-p", "seed=0..3,2")]
    [InlineData("100,000 is the most", "n.ipynb", "-p", "seed=0..999", "-p", "rate=0..999")]
    [InlineData("--over rate: the sweep has no such parameter; it has: seed", "n.ipynb", "-p", "seed=0..3", "--over", "rate")]
    [InlineData("name the notebook", "-p", "seed=0..3")]
    [InlineData("no sweep was begun in ", "--resume")]
    [InlineData("--memory needs a number of gigabytes", "n.ipynb", "--memory", "0.1")]
    public void What_the_user_did_wrong_is_one_line(string expected, params string[] arguments)
    {
        _workspace.Write("int seed = 0;\ndouble rate = 0.2;", "1");
        Assert.Contains(expected, Assert.Single(_workspace.Run(2, arguments).Errors), StringComparison.Ordinal);
    }

    private static string Claim(string holds) => $$"""
        #r "Workbook.Notebook.dll"
        using Workbook.Notebook;
        Claims.Ours("pruning.tiny", "Tiny", [1.5], {{holds}} ? Expect.Above(0) : Expect.Below(0), seeds: [seed]).Show();
        """;
}
