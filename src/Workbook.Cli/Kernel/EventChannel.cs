using System.Text.Json;

namespace Workbook.Cli.Kernel;

/// <summary>Sends events to the runner, one line each, in the order in which they happen. Nothing is held back: a crash must not take along what was printed
/// before it.</summary>
internal sealed class EventChannel(Stream pipe)
{
    private readonly Lock _lock = new();

    public void Send(KernelEvent message)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, KernelJson.Default.KernelEvent), (byte)'\n'];
        lock (_lock)
        {
            try
            {
                pipe.Write(line);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The runner is gone, or this process is about to be; the thread that reads requests sees to that.
            }
        }
    }
}
