using System.Diagnostics;
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

    public OwnEngine(EngineStart start)
    {
        string endOfCell = $"\u0001{Guid.NewGuid():N}\u0001";
        AnonymousPipeServerStream events;
        lock (Starting)
        {
            _requests = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
            events = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
            Process = Process.Start(StartInfo(start, Environment.ProcessPath!,
                Arguments(_requests.GetClientHandleAsString(), events.GetClientHandleAsString(), endOfCell)))!;
            _requests.DisposeLocalCopyOfClientHandle();
            events.DisposeLocalCopyOfClientHandle();
        }

        Process.StandardInput.Close();
        _native =
        [
            new NativeText(Process.StandardOutput.BaseStream, endOfCell, text => start.OnText("stdout", text)),
            new NativeText(Process.StandardError.BaseStream, endOfCell, text => start.OnText("stderr", text)),
        ];
        _reading = Task.WhenAll(_native.Select(text => text.ReadAsync()));
        _events = Task.Run(() => ReadEvents(events, start.OnEvent));
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

    public async ValueTask DisposeAsync()
    {
        // A closed pipe is the kernel's sign to end.
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
}
