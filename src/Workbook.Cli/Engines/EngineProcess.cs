using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>The process that an engine runs cells in: started with its streams read, watched, and ended with all its children.</summary>
internal abstract class EngineProcess
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Held while one is started: another's pipes must not leak into it, whose ends would stay open as long as it lives.</summary>
    protected static Lock Starting { get; } = new();

    // Those of engines that run: what else the runner finds as its child, an engine that has ended has left behind.
    private static readonly HashSet<int> s_living = [];

    protected Process Process { get; private set; } = null!;

    /// <inheritdoc cref="IEngine.WasKilled"/>
    public bool WasKilled => !OperatingSystem.IsWindows() && Process.HasExited && Process.ExitCode - 128 is 2 or 9 or 15;

    /// <inheritdoc cref="IEngine.Usage"/>
    public ProcessUsage Usage()
    {
        try
        {
            Process.Refresh();
            return new(Process.TotalProcessorTime.TotalSeconds, Process.PeakWorkingSet64);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            return default;
        }
    }

    /// <inheritdoc cref="IEngine.TreeSeconds"/>
    public double TreeSeconds()
    {
        try
        {
            return ProcessTree.Seconds(Process);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or IOException)
        {
            return 0;
        }
    }

    /// <inheritdoc cref="IEngine.DescribeExit"/>
    public string DescribeExit()
    {
        int code = Process.ExitCode;
        string? signal = OperatingSystem.IsWindows() ? null : (code - 128) switch
        {
            4 => "SIGILL",
            6 => "SIGABRT",
            7 or 10 => "SIGBUS",
            8 => "SIGFPE",
            9 => "SIGKILL, perhaps for want of memory",
            11 => "SIGSEGV",
            15 => "SIGTERM",
            _ => null,
        };
        return signal is null ? $"exit code {code}" : $"exit code {code}, {signal}";
    }

    protected static ProcessStartInfo StartInfo(EngineStart start, string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo info = new(program, arguments)
        {
            WorkingDirectory = start.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // Cells run on threads, and glibc gives a thread a heap of its own that hands each large tensor back to the system: one heap for all keeps them.
        info.Environment.TryAdd("MALLOC_ARENA_MAX", "1");
        foreach ((string name, string value) in start.Variables)
        {
            info.Environment[name] = value;
        }

        return info;
    }

    /// <summary>Starts the process; what it leaves behind when it ends becomes the runner's, which ends it.</summary>
    protected void Start(ProcessStartInfo info)
    {
        ProcessTree.Adopt();
        lock (Starting)
        {
            Process = Process.Start(info)!;
            s_living.Add(Process.Id);
        }
    }

    protected void Kill()
    {
        try
        {
            ProcessTree.End(Process.Id, withRoot: !Process.HasExited);
            Process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or AggregateException or Win32Exception or IOException)
        {
            // It ended by itself just now.
        }
    }

    /// <summary>Gives a process that was asked to end some time for it, then ends it; and whatever it has started.</summary>
    protected async Task WaitOrKillAsync()
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            await Process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
        }

        int id = Process.Id;
        lock (Starting)
        {
            s_living.Remove(id);
            ProcessTree.EndOrphans(id, s_living);
        }
    }

    /// <summary>Waits for what the process wrote last. A program that it started may hold the pipes open: not for long.</summary>
    protected static Task<Task> DrainAsync(params Task[] reading) => Task.WhenAny(Task.WhenAll(reading), Task.Delay(TimeSpan.FromSeconds(1)));
}
