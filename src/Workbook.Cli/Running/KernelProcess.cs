using System.Diagnostics;
using System.IO.Pipes;
using System.Text;
using System.Text.Json;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Running;

/// <summary>
/// The process in which a notebook's cells run, seen from the runner. Requests and events have pipes of their own, so that nothing
/// that a cell or native code prints can be taken for an event.
/// </summary>
internal sealed class KernelProcess : IAsyncDisposable
{
    // Pipes must not leak into a kernel that is started at the same time: their ends would stay open as long as it lives.
    private static readonly Lock s_start = new();

    private readonly Process _process;
    private readonly AnonymousPipeServerStream _requests;
    private readonly NativeText[] _native;
    private readonly Task _reading;
    private readonly Task _events;
    private TaskCompletionSource _finished = new();

    /// <summary>Starts a kernel.</summary>
    /// <param name="onEvent">Called for each event in order, from one thread.</param>
    /// <param name="onText">Called with a stream's name and text that did not come as an event.</param>
    public KernelProcess(string folder, RunOptions options, Action<KernelEvent> onEvent, Action<string, string> onText)
    {
        string endOfCell = $"\u0001{Guid.NewGuid():N}\u0001";
        AnonymousPipeServerStream events;
        lock (s_start)
        {
            _requests = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
            events = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
            _process = Process.Start(StartInfo(folder, options, _requests.GetClientHandleAsString(), events.GetClientHandleAsString(), endOfCell))!;
            _requests.DisposeLocalCopyOfClientHandle();
            events.DisposeLocalCopyOfClientHandle();
        }

        _process.StandardInput.Close();
        _native =
        [
            new NativeText(_process.StandardOutput.BaseStream, endOfCell, text => onText("stdout", text)),
            new NativeText(_process.StandardError.BaseStream, endOfCell, text => onText("stderr", text)),
        ];
        _reading = Task.WhenAll(_native.Select(text => text.ReadAsync()));
        _events = Task.Run(() => ReadEvents(events, onEvent));
    }

    /// <summary>Runs a cell.</summary>
    /// <returns>True when the cell ended, false when the process did.</returns>
    /// <exception cref="OperationCanceledException">The process and all its children have been killed.</exception>
    public async Task<bool> RunAsync(CellRequest cell, CancellationToken cancellation)
    {
        _finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(cell, KernelJson.Default.CellRequest), (byte)'\n'];
        try
        {
            await _requests.WriteAsync(line, cancellation).ConfigureAwait(false);
            Task exit = _process.WaitForExitAsync(cancellation);
            if (await Task.WhenAny(_finished.Task, exit).ConfigureAwait(false) == _finished.Task)
            {
                await Task.WhenAll(_native.Select(text => text.WaitForEndOfCellAsync())).ConfigureAwait(false);
                return true;
            }

            await exit.ConfigureAwait(false);
        }
        catch (IOException)
        {
            await _process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await DrainAsync().ConfigureAwait(false);
            throw;
        }

        await DrainAsync().ConfigureAwait(false);
        return false;
    }

    /// <summary>What the process has used so far; nothing once it has ended.</summary>
    public ProcessUsage Usage()
    {
        try
        {
            _process.Refresh();
            return new(_process.TotalProcessorTime.TotalSeconds, _process.PeakWorkingSet64);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return default;
        }
    }

    /// <summary>Whether somebody ended the process: the system for want of memory, a scheduler, or a user.</summary>
    public bool WasKilled => !OperatingSystem.IsWindows() && _process.HasExited && _process.ExitCode - 128 is 2 or 9 or 15;

    /// <summary>How the process ended, in words.</summary>
    public string DescribeExit()
    {
        int code = _process.ExitCode;
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

    public async ValueTask DisposeAsync()
    {
        // A closed pipe is the kernel's sign to end.
        await _requests.DisposeAsync().ConfigureAwait(false);
        using (CancellationTokenSource patience = new(TimeSpan.FromSeconds(5)))
        {
            try
            {
                await _process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                Kill();
            }
        }

        await DrainAsync().ConfigureAwait(false);
        _process.Dispose();
    }

    private static ProcessStartInfo StartInfo(string folder, RunOptions options, string requests, string events, string endOfCell)
    {
        string executable = Environment.ProcessPath!;
        ProcessStartInfo start = new(executable)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        if (Path.GetFileNameWithoutExtension(executable).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(typeof(KernelProcess).Assembly.Location);
        }

        foreach (string argument in new[] { KernelMain.Command, requests, events, endOfCell })
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in options.Environment())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void ReadEvents(Stream pipe, Action<KernelEvent> onEvent)
    {
        using StreamReader reader = new(pipe);
        try
        {
            while (reader.ReadLine() is { } line)
            {
                KernelEvent message = JsonSerializer.Deserialize(line, KernelJson.Default.KernelEvent)!;
                onEvent(message);
                if (message.Kind == KernelEventKind.Finished)
                {
                    _finished.TrySetResult();
                }
            }
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // The process died while it wrote.
        }
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or AggregateException or System.ComponentModel.Win32Exception)
        {
            // It ended by itself just now.
        }
    }

    // What the process wrote last is still in the pipes. A program that it started may hold them open: don't wait for that.
    private Task<Task> DrainAsync() => Task.WhenAny(Task.WhenAll(_reading, _events), Task.Delay(TimeSpan.FromSeconds(1)));
}
