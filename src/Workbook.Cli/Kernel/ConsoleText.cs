using System.Text;

namespace Workbook.Cli.Kernel;

/// <summary>What a cell writes to <c>Console.Out</c> or <c>Console.Error</c>, in order with what it displays.</summary>
internal sealed class ConsoleText(EventChannel channel, string stream) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => channel.SendText(stream, [value]);

    public override void Write(string? value) => channel.SendText(stream, value);

    public override void Write(char[] buffer, int index, int count) => channel.SendText(stream, buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer) => channel.SendText(stream, buffer);

    // One message for text and line end: the base class writes them one after the other, and threads would mix.
    public override void WriteLine(string? value) => channel.SendText(stream, value + NewLine);

    public override void WriteLine(ReadOnlySpan<char> buffer) => channel.SendText(stream, string.Concat(buffer, NewLine));

    public override void Flush() => channel.Flush();
}
