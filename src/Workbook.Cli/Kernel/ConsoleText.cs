using System.Text;

namespace Workbook.Cli.Kernel;

/// <summary>What a cell writes to <c>Console.Out</c> or <c>Console.Error</c>, in order with what it displays.</summary>
/// <param name="stream">"stdout" or "stderr".</param>
internal sealed class ConsoleText(EventChannel channel, string stream) : TextWriter
{
    private char? _highSurrogate;

    public override Encoding Encoding => Encoding.UTF8;

    // Half of a character that came alone waits for its other half: no encoding has a place for it.
    public override void Write(char value)
    {
        if (char.IsHighSurrogate(value))
        {
            _highSurrogate = value;
            return;
        }

        Send(char.IsLowSurrogate(value) ? _highSurrogate + value.ToString() : value.ToString());
        _highSurrogate = null;
    }

    public override void Write(string? value) => Send(value);

    public override void Write(char[] buffer, int index, int count) => Send(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Send(buffer.ToString());

    // The base class writes the line end by itself, which doubles the events.
    public override void WriteLine(string? value) => Send(value + NewLine);

    private void Send(string? text)
    {
        for (int from = 0, end; from < text?.Length; from = end)
        {
            end = Math.Min(from + OutputLimits.Piece, text.Length);
            end += end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
            channel.Send(new KernelEvent(KernelEventKind.Stream) { Stream = stream, Text = text[from..end] });
        }
    }
}
