using System.Diagnostics;
using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

public sealed class SlurmTests : IDisposable
{
    private const int Points = 20;

    private readonly SweepWorkspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Every_point_of_a_job_array_is_there_exactly_once_whatever_happens_to_jobs_and_nodes()
    {
        using SlurmCluster cluster = new();
        _workspace.Write(
            "int seed = 0;",
            $"File.WriteAllText($\"began-{{seed}}\", \"\");\nThread.Sleep(300);\nwhile (seed == 1 && !File.Exists(\"go\")) "
                + $"Thread.Sleep(50);\n{SweepWorkspace.End}",
            SweepWorkspace.Record("x", "seed"));
        using Process sweep = _workspace.Start(cluster.Variables, "n.ipynb", "-p", $"seed=0..{Points - 1}", "--engine", "slurm");

        // The scheduler kills one task, as it does at a time limit; a task that runs survives the crash of its node's daemon.
        _workspace.WaitForExists("began-1");
        string job = cluster.Call("squeue", "--noheader", "--format=%F").Split('\n')[0].Trim();
        cluster.Call("scancel", $"{job}_1");
        _workspace.WaitForExists("began-3");
        cluster.KillNodeDaemon();
        cluster.StartNodeDaemon();

        // The node is taken out, runs empty, and comes back.
        SweepWorkspace.WaitFor("some finished points", () => _workspace.Ended().Count >= 5);
        cluster.Drain();
        SweepWorkspace.WaitFor("a drained node", () => cluster.NodeState() == "drained");
        int before = _workspace.Ended().Count;
        Assert.InRange(before, 5, Points - 2);
        cluster.Resume();

        string error = Assert.Single(SweepWorkspace.Finish(1, sweep).Errors);
        Assert.StartsWith($"error: seed=1 is not done: its job ended before it (job array {job}", error, StringComparison.Ordinal);
        Assert.Equal(Points - 1, _workspace.Ended().Count);

        File.WriteAllText(_workspace.PathOf("go"), "");
        (string output, _) = SweepWorkspace.Finish(0, _workspace.Start(cluster.Variables, "--resume", "--engine", "slurm"));
        Assert.Contains($"{Points - 1} finished, 1 to do", output, StringComparison.Ordinal);
        Assert.Contains($"{Points} of {Points} points finished", output, StringComparison.Ordinal);
        _workspace.AssertEndedOnce(Points);
        _workspace.AssertNothingIsHalfDone();
        Assert.Equal(Points, _workspace.PointFolders().Length);
    }

    [Fact]
    public void After_kill_9_of_the_sweep_its_array_goes_on_and_the_next_waits_for_it_and_an_interrupt_cancels_it()
    {
        using SlurmCluster cluster = new();
        _workspace.Write("int seed = 0;", "File.WriteAllText($\"began-{seed}\", \"\");\nwhile (!File.Exists(\"go\")) Thread.Sleep(50);\nwhile (seed == 3 "
            + "&& !File.Exists(\"end\")) Thread.Sleep(50);", SweepWorkspace.End);
        using (Process first = _workspace.Start(cluster.Variables, "n.ipynb", "-p", "seed=0..3", "--engine", "slurm", "--jobs", "2"))
        {
            _workspace.WaitForExists("began-1");
            first.Kill();
            first.WaitForExit();
        }

        Assert.Equal(4, cluster.Call("squeue", "--noheader", "--array", "--format=%T").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        File.WriteAllText(_workspace.PathOf("go"), "");
        using Process second = _workspace.Start(cluster.Variables, "--resume", "--engine", "slurm");
        _workspace.WaitForExists("began-3");
        SweepWorkspace.WaitFor("three points", () => _workspace.PointFolders().Count(path => !Path.GetFileName(path).StartsWith('.')) == 3);
        Process.Start("kill", ["-INT", second.Id.ToString()]).WaitForExit();
        (string output, _) = SweepWorkspace.Finish(130, second);
        Assert.Contains("is still in the queue: waiting for it", output, StringComparison.Ordinal);
        Assert.Contains("interrupted: 3 of 4 points finished", output, StringComparison.Ordinal);
        SweepWorkspace.WaitFor("an empty queue", () => cluster.Call("squeue", "--noheader").Trim().Length == 0);
        Assert.Equal([0, 1, 2], _workspace.Ended().Keys.Order());
    }

    [Fact]
    public void What_the_array_of_a_killed_sweep_leaves_is_submitted_anew()
    {
        using SlurmCluster cluster = new();
        _workspace.Write("int seed = 0;", "File.WriteAllText($\"began-{seed}\", \"\");\nwhile (!File.Exists(\"go\")) Thread.Sleep(50);", SweepWorkspace.End);
        using (Process first = _workspace.Start(cluster.Variables, "n.ipynb", "-p", "seed=0..3", "--engine", "slurm", "--jobs", "1"))
        {
            _workspace.WaitForExists("began-0");
            first.Kill();
            first.WaitForExit();
        }

        string job = cluster.Call("squeue", "--noheader", "--format=%F").Split('\n')[0].Trim();
        using Process second = _workspace.Start(cluster.Variables, "--resume", "--engine", "slurm");
        cluster.Call("scancel", $"{job}_0");
        _workspace.WaitForExists("began-1");
        File.WriteAllText(_workspace.PathOf("go"), "");
        Assert.Contains("4 of 4 points finished", SweepWorkspace.Finish(0, second).Output, StringComparison.Ordinal);
        _workspace.AssertEndedOnce(4);
    }

    [Fact]
    public void Without_slurm_the_error_says_where_to_run_it()
    {
        _workspace.Write("int seed = 0;", "1");
        string error = Assert.Single(SweepWorkspace.Finish(2,
            _workspace.Start(new Dictionary<string, string> { ["PATH"] = _workspace.Folder }, "n.ipynb", "-p", "seed=0,1", "--engine", "slurm")).Errors);
        Assert.Contains("run --engine slurm where the cluster's jobs are submitted", error, StringComparison.Ordinal);
    }
}
