using System.Text;
using System.Text.Json;

namespace Workbook.Cli.Kernel;

/// <summary>Sends events to the runner in the order in which they happen. Console text is gathered up to a line's end, so that a write of one character is not a message.</summary>
internal sealed class EventChannel : IDisposable
{
    private const int LongestPending = 4096;
    private readonly Stream _pipe;
    private readonly Lock _lock = new();
    private readonly StringBuilder _pending = new();
    private readonly Timer _flush;
    private string _pendingStream = "stdout";

    public EventChannel(Stream pipe)
    {
        _pipe = pipe;
        _flush = new Timer(_ => Flush());
    }

    public void Send(KernelEvent message)
    {
        lock (_lock)
        {
            FlushPending();
            Write(message);
        }
    }

    /// <summary>Console text.</summary>
    /// <param name="stream">"stdout" or "stderr".</param>
    /// <param name="text">Any text, lines or parts of them.</param>
    public void SendText(string stream, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return;
        }

        lock (_lock)
        {
            if (_pendingStream != stream)
            {
                FlushPending();
                _pendingStream = stream;
            }

            bool idle = _pending.Length == 0;
            _pending.Append(text);
            if (text.Contains('\n') || _pending.Length > LongestPending)
            {
                FlushPending();
            }
            else if (idle)
            {
                _flush.Change(50, Timeout.Infinite);
            }
        }
    }

    public void Flush()
    {
        lock (_lock)
        {
            FlushPending();
        }
    }

    public void Dispose() => _flush.Dispose();

    private void FlushPending()
    {
        if (_pending.Length > 0)
        {
            string text = _pending.ToString();
            _pending.Clear();
            Write(new KernelEvent(KernelEventKind.Stream) { Stream = _pendingStream, Text = text });
        }
    }

    private void Write(KernelEvent message)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, KernelJson.Default.KernelEvent), (byte)'\n'];
        try
        {
            _pipe.Write(line);
        }
        catch (IOException)
        {
            // The runner is gone; the thread that reads its requests ends this process.
        }
    }
}
