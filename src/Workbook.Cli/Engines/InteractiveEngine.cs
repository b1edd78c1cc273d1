using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Kernel;
using Workbook.Native;

namespace Workbook.Cli.Engines;

/// <summary>
/// .NET Interactive, driven through its standard streams as VS Code does it: commands go in and events come out, each a line of JSON.
/// A cell may use whatever the kernel has: packages, magics, F#, PowerShell.
/// </summary>
internal sealed class InteractiveEngine : EngineProcess, IEngine
{
    private const int MostLine = 40_000_000;

    private static readonly TimeSpan s_start = TimeSpan.FromMinutes(2);

    private readonly EngineStart _start;
    private readonly string _endOfCell = $"\u0001{Guid.NewGuid():N}\u0001";
    private readonly string _scratch = Path.Combine(Path.GetTempPath(), $"workbook-{Guid.NewGuid():N}");
    private readonly NativeText _errors;
    private readonly Task _reading;
    private readonly TaskCompletionSource _ready = NewSource();
    private readonly InteractiveMessages _messages = new();
    private TaskCompletionSource _finished = NewSource();
    private volatile string _token = "";
    private bool _failed;
    private bool _isPrepared;

    /// <exception cref="WorkbookException">The tool is not here, or does not start.</exception>
    public InteractiveEngine(EngineStart start)
    {
        _start = start;
        ProcessStartInfo info = Arguments(start, InteractiveTool.Require());
        info.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] = "1";
        info.Environment["DOTNET_INTERACTIVE_SKIP_FIRST_TIME_EXPERIENCE"] = "1";
        info.Environment.TryAdd("DOTNET_TieredPGO", "0"); // as the runner's own: most methods run once
        try
        {
            Start(info);
        }
        catch (Win32Exception e)
        {
            string why = $"{info.FileName}: {e.Message}";
            throw new WorkbookException(
                $"the kernel dotnet-interactive does not start ({why}): install the .NET SDK, "
                + $"or name another program in {EnvironmentVariables.Interactive}", e);
        }

        _errors = new NativeText(Process.StandardError.BaseStream, _endOfCell, text => start.OnText("stderr", text));
        // On other threads: as long as text is there, reading goes on without giving up the thread that began it.
        _reading = Task.WhenAll(Task.Run(_errors.ReadAsync), Task.Run(() => ReadAsync(Process.StandardOutput.BaseStream)));
    }

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CellRequest cell, CancellationToken cancellation)
    {
        _failed = false;
        try
        {
            Task exit = Process.WaitForExitAsync(cancellation);
            if (!await ReadyAsync(exit, cancellation).ConfigureAwait(false))
            {
                return !Process.HasExited;
            }

            if (!_isPrepared)
            {
                _isPrepared = true;
                await SubmitAsync(InteractiveScript.Prepare(_endOfCell), InteractiveScript.Language, isOwn: true, exit).ConfigureAwait(false);
            }

            string first = cell.IsEnd ? InteractiveScript.WaitForRest : InteractiveScript.Begin(cell.Number);
            bool ended = await SubmitAsync(first, InteractiveScript.Language, isOwn: true, exit).ConfigureAwait(false)
                && (cell.IsEnd || await SubmitAsync(InteractiveScript.WithOwnLab(cell, _start.Folder, _scratch), cell.Language, isOwn: false, exit, cell)
                    .ConfigureAwait(false))
                && await SubmitAsync(InteractiveScript.End, InteractiveScript.Language, isOwn: true, exit).ConfigureAwait(false);
            if (ended)
            {
                await _errors.WaitForEndOfCellAsync().ConfigureAwait(false);
                return true;
            }

            await exit.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await DrainAsync(_reading).ConfigureAwait(false);
            throw;
        }

        await DrainAsync(_reading).ConfigureAwait(false);
        if (!_failed && Process.ExitCode is >= 0 and < 128)
        {
            _start.OnEvent(new KernelEvent(KernelEventKind.Exiting)); // a crash has another code
        }

        return false;
    }

    /// <inheritdoc/>
    public async Task<bool> EndAsync(CancellationToken cancellation) =>
        !_isPrepared || await RunAsync(CellRequest.End, cancellation).ConfigureAwait(false) || Process.ExitCode == 0;

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            ProcessTree.End(Process.Id, withRoot: false);
            Send(new JsonObject { ["commandType"] = "Quit", ["command"] = new JsonObject(), ["token"] = "quit" });
        }

        await WaitOrKillAsync().ConfigureAwait(false);
        await DrainAsync(_reading).ConfigureAwait(false);
        Process.Dispose();
        if (Directory.Exists(_scratch))
        {
            Directory.Delete(_scratch, recursive: true);
        }
    }

    // Linux: what the process may write to ends there, as in the own engine's; the shell is replaced by the kernel.
    private static ProcessStartInfo Arguments(EngineStart start, string tool)
    {
        bool isDll = tool.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        string program = isDll ? Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet" : tool;
        string[] command = [.. isDll ? [tool] : Array.Empty<string>(), "stdio"];
        string? limit = start.Variables.FirstOrDefault(v => v.Key == EnvironmentVariables.Memory).Value;
        return limit is null || !OperatingSystem.IsLinux()
            ? StartInfo(start, program, command)
            : StartInfo(start, "/bin/sh",
                ["-c", $"ulimit -d {long.Parse(limit, CultureInfo.InvariantCulture) / 1024} && exec \"$0\" \"$@\"", program, .. command]);
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<bool> ReadyAsync(Task exit, CancellationToken cancellation)
    {
        if (await Task.WhenAny(_ready.Task, exit, Task.Delay(s_start, cancellation)).ConfigureAwait(false) == _ready.Task)
        {
            return true;
        }

        cancellation.ThrowIfCancellationRequested();
        if (Process.HasExited)
        {
            await DrainAsync(_reading).ConfigureAwait(false);
            if (_ready.Task.IsCompleted)
            {
                return true; // it said so, and was gone before that was read
            }

            _start.OnEvent(Error("KernelError", $"the kernel dotnet-interactive did not start ({DescribeExit()}): {InteractiveTool.Remedy}"));
        }
        else
        {
            string seconds = s_start.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
            _start.OnEvent(Error("KernelError", $"the kernel dotnet-interactive did not answer within {seconds} s: "
                + $"see whether '{InteractiveTool.Find()} stdio' starts by itself"));
        }

        return false;
    }

    /// <returns>Whether the command ended before the process did.</returns>
    private async Task<bool> SubmitAsync(string code, string language, bool isOwn, Task exit, CellRequest? cell = null)
    {
        _finished = NewSource();
        _token = Guid.NewGuid().ToString("N");
        _messages.Begin(_token, isOwn, cell);
        JsonObject command = new() { ["code"] = code, ["targetKernelName"] = language };
        Send(new JsonObject { ["commandType"] = "SubmitCode", ["command"] = command, ["token"] = _token });
        if (await Task.WhenAny(_finished.Task, exit).ConfigureAwait(false) == _finished.Task)
        {
            return true;
        }

        await exit.ConfigureAwait(false); // throws where it was cancelled
        return false;
    }

    // Not waited for: a process that reads nothing would hold up the time limit.
    private void Send(JsonObject command)
    {
        byte[] line = Encoding.UTF8.GetBytes(command.ToJsonString() + "\n");
        _ = Task.Run(() =>
        {
            try
            {
                Process.StandardInput.BaseStream.Write(line);
                Process.StandardInput.BaseStream.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // It is gone, which whoever waits for it sees.
            }
        });
    }

    // Whatever comes must not end the reading: who waits for a cell's end would wait for ever.
    private async Task ReadAsync(Stream stream)
    {
        await foreach (ReadLine line in new LineReader(stream, MostLine).ReadAsync().ConfigureAwait(false))
        {
            try
            {
                if (line.IsWhole)
                {
                    Take(line.IsLast ? line.Text : line.Text + "\n");
                }
                else
                {
                    TakeEnd(line);
                }
            }
#pragma warning disable CA1031 // A cell's process can send anything.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _start.OnEvent(Error("KernelError", $"what the kernel says can't be read: {e.Message}"));
            }
        }
    }

    // Of an event that is too long only its end is there: what it is, and what it answers.
    private void TakeEnd(ReadLine line)
    {
        string? type = InteractiveMessages.TypeAtEnd(line.Text, _token);
        if (type is "CommandFailed" or "CommandSucceeded")
        {
            if (type == "CommandFailed")
            {
                _failed = true;
                _start.OnEvent(Error("KernelError", FormattableString.Invariant($"the cell failed, and says why in {line.Length:N0} bytes: too many to read")));
            }

            _finished.TrySetResult();
        }
        else
        {
            _start.OnText("stderr", FormattableString.Invariant($"[left out: an output of {line.Length:N0} bytes]\n"));
        }
    }

    // Native code writes where the events go: what stands before one in its line, and lines that are none, are its text.
    private void Take(string line)
    {
        (JsonObject? message, int at) = InteractiveMessages.Find(line);
        if (message is null)
        {
            _start.OnText("stdout", line);
            return;
        }

        if (at > 0)
        {
            _start.OnText("stdout", line[..at]);
        }

        if (InteractiveMessages.TypeOf(message) == "KernelReady")
        {
            _messages.Learn(message);
            _ready.TrySetResult();
            return;
        }

        if (_messages.Translate(message) is { } translated)
        {
            _failed |= translated.Kind == KernelEventKind.Error;
            _start.OnEvent(translated);
        }

        if (InteractiveMessages.IsEnd(message, _token))
        {
            _finished.TrySetResult();
        }
    }

    private static KernelEvent Error(string name, string message) => new(KernelEventKind.Error) { Error = new CellError(name, message) };
}
