using System.Diagnostics;
using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

public sealed class FaultTests : IDisposable
{
    /// <summary>Points from the second on go on without end, until there is a file <c>go</c>.</summary>
    private const string Wait = "if (seed > 0) { File.WriteAllText($\"pid-{seed}\", Environment.ProcessId.ToString()); while (!File.Exists(\"go\")) { "
        + "File.AppendAllText($\"beats-{seed}\", \"x\"); Thread.Sleep(20); } }";

    private readonly SweepWorkspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void After_kill_9_of_the_sweep_its_points_end_too_and_the_next_goes_on_from_there()
    {
        _workspace.Write("int seed = 0;", Wait, SweepWorkspace.End);
        using (Process sweep = _workspace.Start("n.ipynb", "-p", "seed=0..2", "--jobs", "2"))
        {
            SweepWorkspace.WaitFor("a finished point and two running", () => _workspace.PointFolders()
                .Count(path => !Path.GetFileName(path).StartsWith('.')) == 1);
            _workspace.WaitForFile("beats-1");
            _workspace.WaitForFile("beats-2");
            sweep.Kill();
            sweep.WaitForExit();
        }

        SweepWorkspace.WaitFor("the points' processes end", () => new[] { 1, 2 }.All(seed => !IsAlive(_workspace.WaitForFile($"pid-{seed}"))));
        File.WriteAllText(_workspace.PathOf("go"), "");
        (string output, _) = _workspace.Run(0, "--resume");
        Assert.Contains("1 finished, 2 to do", output, StringComparison.Ordinal);
        _workspace.AssertEndedOnce(3);
        _workspace.AssertNothingIsHalfDone();
    }

    [Fact]
    public void An_interrupt_stops_the_points_and_says_how_to_go_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no such signal to send");
        _workspace.Write("int seed = 0;", Wait, SweepWorkspace.End);
        using Process sweep = _workspace.Start("n.ipynb", "-p", "seed=0..2", "--jobs", "1");
        string pid = _workspace.WaitForFile("pid-1");
        Process.Start("kill", ["-INT", sweep.Id.ToString()]).WaitForExit();
        (string output, string[] errors) = SweepWorkspace.Finish(130, sweep);
        Assert.Contains("interrupted: 1 of 3 points finished, 2 not done (`workbook sweep --resume` goes on)", output, StringComparison.Ordinal);
        Assert.Empty(errors);
        Assert.False(IsAlive(pid));
        Assert.Single(_workspace.PointFolders());
        Assert.Empty(_workspace.PointFolders("failed"));
    }

    [Fact]
    public void A_point_that_is_killed_is_not_done_and_no_failure_either()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a killed process can't be told from one that failed there");
        _workspace.Write("int seed = 0;", Wait, SweepWorkspace.End);
        using (Process sweep = _workspace.Start("n.ipynb", "-p", "seed=0..1"))
        {
            Process.GetProcessById(int.Parse(_workspace.WaitForFile("pid-1"))).Kill();
            Assert.Contains("seed=1 is not done: code cell 3: ProcessCrashed: the notebook's process crashed (exit code 137, SIGKILL, perhaps for want of "
                + "memory)", Assert.Single(SweepWorkspace.Finish(1, sweep).Errors), StringComparison.Ordinal);
        }

        Assert.Single(_workspace.PointFolders());
        Assert.Empty(_workspace.PointFolders("failed"));
        File.WriteAllText(_workspace.PathOf("go"), "");
        _workspace.Run(0, "--resume");
        _workspace.AssertEndedOnce(2);
    }

    [Fact]
    public void Points_that_throw_never_end_or_want_too_much_memory_fail_with_a_line_each_and_run_again_on_request()
    {
        _workspace.Write("int seed = 0;", """
            if (seed > 0 && !File.Exists("go"))
            {
                if (seed == 1) throw new InvalidOperationException("bad luck");
                if (seed == 2) Thread.Sleep(Timeout.Infinite);
                List<byte[]> all = [];
                while (true) { all.Add(new byte[1 << 24]); Array.Fill(all[^1], (byte)1); }
            }
            """, SweepWorkspace.End);
        bool limited = OperatingSystem.IsLinux();
        (string output, string[] errors) = _workspace.Run(1, "n.ipynb", "-p", $"seed=0..{(limited ? 3 : 2)}", "--timeout", "25", "--memory",
            "0.5"); // long enough to reach the cell on a busy machine
        Assert.Contains("seed=1 failed: code cell 3, line 3: `if (seed == 1)", errors[0], StringComparison.Ordinal);
        Assert.Contains("bad luck", errors[0], StringComparison.Ordinal);
        Assert.Contains("seed=2 failed: code cell 3: Timeout: the notebook ran longer than 25 s", errors[1], StringComparison.Ordinal);
        if (limited)
        {
            Assert.Contains("seed=3 failed: needs more memory than the 0.5 GB that a point may have (--memory): code cell 3", errors[2],
                StringComparison.Ordinal);
        }

        Assert.Contains("failed (--retry runs them again)", output, StringComparison.Ordinal);
        Assert.Single(_workspace.PointFolders());
        _workspace.AssertNothingIsHalfDone();

        File.WriteAllText(_workspace.PathOf("go"), "");
        Assert.Equal(errors, _workspace.Run(1, "--resume").Errors);
        Assert.Equal([0], _workspace.Ended().Keys);
        _workspace.Run(0, "--resume", "--retry");
        _workspace.AssertEndedOnce(limited ? 4 : 3);
        Assert.Empty(_workspace.PointFolders("failed"));
    }

    [Fact]
    public async Task Two_sweeps_at_once_share_their_points()
    {
        _workspace.Write("int seed = 0;", "File.WriteAllText($\"began-{seed}\", \"\"); Thread.Sleep(500);", SweepWorkspace.End);
        using Process one = _workspace.Start("n.ipynb", "-p", "seed=0..3");
        using Process other = _workspace.Start("n.ipynb", "-p", "seed=5,4,3,2,1");
        Task<(string, string[])> first = Task.Run(() => SweepWorkspace.Finish(0, one), TestContext.Current.CancellationToken);
        SweepWorkspace.Finish(0, other);
        await first;
        _workspace.AssertEndedOnce(6);
        _workspace.AssertNothingIsHalfDone();
    }

    [Fact]
    public void A_full_disk_is_one_line_loses_nothing_and_leaves_nothing_broken()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "a small disk of its own needs Linux and root");
        string store = Directory.CreateDirectory(_workspace.PathOf("store")).FullName;
        using (Process mount = Process.Start("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", store]))
        {
            mount.WaitForExit();
            Assert.SkipUnless(mount.ExitCode == 0, "no tmpfs can be mounted here");
        }

        try
        {
            _workspace.Write("int seed = 0;", """
                if (seed == 1 && !File.Exists("go"))
                {
                    try { using FileStream ballast = File.Create("store/ballast");
                    while (true) { ballast.Write(new byte[4096]); ballast.Flush(); } } catch (IOException) { }
                }
                """, SweepWorkspace.End);
            string error = Assert.Single(_workspace.Run(2, "n.ipynb", "-p", "seed=0..3", "--jobs", "1").Errors);
            Assert.Contains("the run store ", error, StringComparison.Ordinal);
            Assert.Contains("No space left on device", error, StringComparison.Ordinal);
            Assert.Single(_workspace.PointFolders());
            Assert.Empty(_workspace.PointFolders("failed"));
            Assert.DoesNotContain(2, _workspace.Ended().Keys);

            File.Delete(Path.Combine(store, "ballast"));
            File.WriteAllText(_workspace.PathOf("go"), "");
            Assert.Contains("1 finished, 3 to do", _workspace.Run(0, "--resume").Output, StringComparison.Ordinal);
            _workspace.AssertNothingIsHalfDone();
            Assert.Equal(1, _workspace.Ended()[0]);
            Assert.Equal(4, _workspace.PointFolders().Length);
        }
        finally
        {
            Process.Start("umount", [store]).WaitForExit();
        }
    }

    private static bool IsAlive(string pid)
    {
        try
        {
            using Process process = Process.GetProcessById(int.Parse(pid));
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
