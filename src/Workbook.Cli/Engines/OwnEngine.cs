using System.IO.Pipes;
using System.Text.Json;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>
/// The runner's own engine: C# cells by Roslyn scripting, in a process of this program. Requests and events have pipes of their own, so that nothing
/// that a cell or native code prints can be taken for an event.
/// </summary>
internal sealed class OwnEngine : EngineProcess, IEngine
{
    private readonly AnonymousPipeServerStream _requests;
    private readonly NativeText[] _native;
    private readonly Task _reading;
    private readonly Task _events;
    private TaskCompletionSource _finished = new();
    private volatile bool _ended;

    public OwnEngine(EngineStart start)
    {
        string endOfCell = $"\u0001{Guid.NewGuid():N}\u0001";
        AnonymousPipeServerStream events;
        lock (Starting)
        {
            _requests = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
            events = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
            Start(StartInfo(start, Environment.ProcessPath!,
                Arguments(_requests.GetClientHandleAsString(), events.GetClientHandleAsString(), endOfCell)));
            _requests.DisposeLocalCopyOfClientHandle();
            events.DisposeLocalCopyOfClientHandle();
        }

        Process.StandardInput.Close();
        _native =
        [
            new NativeText(Process.StandardOutput.BaseStream, endOfCell, text => start.OnText("stdout", text)),
            new NativeText(Process.StandardError.BaseStream, endOfCell, text => start.OnText("stderr", text)),
        ];
        // On other threads: as long as text is there, reading goes on without giving up the thread that began it.
        _reading = Task.WhenAll(_native.Select(text => Task.Run(text.ReadAsync)));
        _events = Task.Run(() => ReadEventsAsync(events, start.OnEvent));
    }

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CellRequest cell, CancellationToken cancellation)
    {
        _finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(cell, KernelJson.Default.CellRequest), (byte)'\n'];
        try
        {
            await _requests.WriteAsync(line, cancellation).ConfigureAwait(false);
            Task exit = Process.WaitForExitAsync(cancellation);
            if (await Task.WhenAny(_finished.Task, exit).ConfigureAwait(false) == _finished.Task)
            {
                await Task.WhenAll(_native.Select(text => text.WaitForEndOfCellAsync())).ConfigureAwait(false);
                return true;
            }

            await exit.ConfigureAwait(false);
        }
        catch (IOException)
        {
            await Process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await DrainAsync(_reading, _events).ConfigureAwait(false);
            throw;
        }

        await DrainAsync(_reading, _events).ConfigureAwait(false);
        return false;
    }

    /// <inheritdoc/>
    public async Task<bool> EndAsync(CancellationToken cancellation)
    {
        bool answered = await RunAsync(CellRequest.End, cancellation).ConfigureAwait(false);
        return !answered && (_ended || Process.ExitCode == 0);
    }

    public async ValueTask DisposeAsync()
    {
        // A closed pipe ends the kernel at once.
        await _requests.DisposeAsync().ConfigureAwait(false);
        await WaitOrKillAsync().ConfigureAwait(false);
        await DrainAsync(_reading, _events).ConfigureAwait(false);
        Process.Dispose();
    }

    private static string[] Arguments(string requests, string events, string endOfCell)
    {
        bool isHosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return [.. isHosted ? [typeof(OwnEngine).Assembly.Location] : Array.Empty<string>(), KernelMain.Command, requests, events, endOfCell];
    }

    // Whatever comes must not end the reading: who waits for a cell's end would wait for ever.
    private async Task ReadEventsAsync(Stream pipe, Action<KernelEvent> onEvent)
    {
        await foreach (ReadLine line in new LineReader(pipe, OutputLimits.Line).ReadAsync().ConfigureAwait(false))
        {
            try
            {
                KernelEvent message = line.IsWhole ? JsonSerializer.Deserialize(line.Bytes.Span, KernelJson.Default.KernelEvent)!
                    : throw new JsonException($"it has {line.Length} bytes");
                onEvent(message);
                _ended |= message.Kind == KernelEventKind.Ended;
                if (message.Kind == KernelEventKind.Finished)
                {
                    _finished.TrySetResult();
                }
            }
#pragma warning disable CA1031 // A cell's process can send anything.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (!line.IsLast)
                {
                    onEvent(new(KernelEventKind.Error) { Error = new("KernelError", $"what the notebook's process says can't be read: {e.Message}") });
                }
            }
        }
    }
}
