using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

/// <summary>A real Slurm cluster of one node, this machine, on loopback: munged, slurmctld and slurmd as processes of the test.</summary>
internal sealed class SlurmCluster : IDisposable
{
    private static readonly string[] s_programs = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "runuser"];

    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-slurm-").FullName;
    private readonly List<Process> _daemons = [];
    private readonly string _node = Environment.MachineName.Split('.')[0];
    private Process? _slurmd;

    /// <exception cref="Xunit.Sdk.XunitException">Skipped: Slurm is not here, or the test may not start it.</exception>
    public SlurmCluster()
    {
        string? missing = s_programs.FirstOrDefault(name => Find(name) is null);
        if (missing is not null || !Environment.IsPrivilegedProcess)
        {
            Directory.Delete(_folder);
            Assert.Skip(missing is not null ? $"there is no {missing} here (Debian: apt-get install slurm-wlm)" : "Slurm's daemons need root");
        }

        try
        {
            Begin();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How programs find this cluster.</summary>
    public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string> { ["SLURM_CONF"] = Configuration };

    private string Configuration => Path.Combine(_folder, "slurm.conf");

    /// <summary>Runs one of Slurm's programs and returns what it prints.</summary>
    public string Call(string program, params string[] arguments)
    {
        (int exitCode, string output, string errors) = Try(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors}");
        return output;
    }

    /// <summary>Lets running tasks end and begins no other.</summary>
    public void Drain() => Call("scontrol", "update", $"nodename={_node}", "state=drain", "reason=test");

    public void Resume() => Call("scontrol", "update", $"nodename={_node}", "state=resume");

    /// <summary>The node's state, e.g. <c>idle</c>, <c>draining</c> or <c>drained</c>.</summary>
    public string NodeState() => Try("sinfo", ["--noheader", "--Node", "--format=%T"]).Output.Trim();

    /// <summary>Ends the node's daemon as a crash does; its tasks go on without it.</summary>
    public void KillNodeDaemon()
    {
        _slurmd!.Kill();
        _slurmd.WaitForExit();
    }

    public void StartNodeDaemon() => _slurmd = Start("slurmd", "-D", "-f", Configuration);

    public void Dispose()
    {
        if (File.Exists(Configuration))
        {
            Try("scancel", ["--full", "--state=running"]);
            Try("scancel", ["--state=pending"]);
        }

        // The node's daemon first, so that it can still say goodbye.
        foreach (Process daemon in Enumerable.Reverse(_daemons))
        {
            if (!daemon.HasExited)
            {
                Process.Start("kill", ["-TERM", daemon.Id.ToString()]).WaitForExit();
                if (!daemon.WaitForExit(TimeSpan.FromSeconds(10)))
                {
                    daemon.Kill(entireProcessTree: true);
                }
            }

            daemon.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string? Find(string program) =>
        new[] { "/usr/sbin", "/usr/bin", "/sbin", "/bin" }.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private void Begin()
    {
        foreach (string name in new[] { "state", "spool", "run" })
        {
            Directory.CreateDirectory(Path.Combine(_folder, name));
        }

        string run = Path.Combine(_folder, "run"), key = Path.Combine(run, "munge.key"), socket = Path.Combine(run, "munge.socket");
        File.WriteAllBytes(key, System.Security.Cryptography.RandomNumberGenerator.GetBytes(1024));
        Process.Start("chmod", ["711", _folder]).WaitForExit();
        Process.Start("chmod", ["600", key]).WaitForExit();
        Process.Start("chown", ["-R", "munge:", run]).WaitForExit();
        File.WriteAllText(Configuration, $"""
            ClusterName=workbook
            SlurmctldHost={_node}(127.0.0.1)
            SlurmctldPort={FreePort()}
            SlurmdPort={FreePort()}
            AuthType=auth/munge
            AuthInfo=socket={socket}
            SlurmUser=root
            SlurmdUser=root
            StateSaveLocation={_folder}/state
            SlurmdSpoolDir={_folder}/spool
            SlurmctldPidFile={_folder}/slurmctld.pid
            SlurmdPidFile={_folder}/slurmd.pid
            SlurmctldLogFile={_folder}/slurmctld.log
            SlurmdLogFile={_folder}/slurmd.log
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_Core
            AccountingStorageType=accounting_storage/none
            JobAcctGatherType=jobacct_gather/none
            MpiDefault=none
            SchedulerParameters=sched_interval=2,batch_sched_delay=1
            ReturnToService=2
            NodeName={_node} NodeAddr=127.0.0.1 CPUs={Math.Min(2, Environment.ProcessorCount)} State=UNKNOWN
            PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP

            """);
        Start("runuser", "-u", "munge", "--", Find("munged")!, "--foreground", $"--key-file={key}", $"--socket={socket}", $"--pid-file={run}/munged.pid",
            $"--log-file={run}/munged.log", $"--seed-file={run}/munged.seed");
        SweepWorkspace.WaitFor("munged", () => File.Exists(socket));
        Start("slurmctld", "-D", "-f", Configuration);
        StartNodeDaemon();
        SweepWorkspace.WaitFor($"an idle node ({_folder}/slurmd.log)", () => NodeState() == "idle");
    }

    private Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(Find(program)!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _daemons.Add(process);
        return process;
    }

    private (int ExitCode, string Output, string Errors) Try(string program, string[] arguments)
    {
        ProcessStartInfo start = new(Find(program)!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["SLURM_CONF"] = Configuration;
        return Running.Workspace.Finish(Process.Start(start)!);
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
