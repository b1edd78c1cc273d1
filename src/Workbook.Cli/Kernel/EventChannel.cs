using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Workbook.Cli.Kernel;

/// <summary>Sends events to the runner, one line each, in the order in which they happen. Nothing is held back: a crash must not take along what was printed
/// before it.</summary>
internal sealed class EventChannel(Stream pipe)
{
    // Characters as they are: what is shown is mostly HTML, whose escapes take six bytes for one.
    private static readonly KernelJson s_json = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private readonly Lock _lock = new();

    public void Send(KernelEvent message)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, s_json.KernelEvent), (byte)'\n'];
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
