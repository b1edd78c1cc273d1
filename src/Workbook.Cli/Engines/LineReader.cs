using System.Text;

namespace Workbook.Cli.Engines;

/// <summary>A line that a process wrote.</summary>
/// <param name="Bytes">The line without its end, until the next is read; of one that is too long, its last bytes.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="IsLast">Whether the stream ended in it.</param>
internal readonly record struct ReadLine(ReadOnlyMemory<byte> Bytes, long Length, bool IsLast)
{
    /// <summary>Whether nothing of it is left out.</summary>
    public bool IsWhole => Bytes.Length == Length;

    public string Text => Encoding.UTF8.GetString(Bytes.Span);
}

/// <summary>Reads lines whose writer is not trusted: one that does not end takes no more memory than one that is as long as may be.</summary>
/// <param name="most">The most bytes of a line.</param>
internal sealed class LineReader(Stream stream, int most)
{
    private const int Tail = 8192;

    private byte[] _line = new byte[Tail];
    private int _held;
    private long _length;

    /// <summary>The lines up to the end of the stream, or to where it can't be read any more.</summary>
    public async IAsyncEnumerable<ReadLine> ReadAsync()
    {
        byte[] buffer = new byte[65536];
        for (int n; (n = await ReadAsync(buffer).ConfigureAwait(false)) > 0;)
        {
            int from = 0;
            for (int at; (at = Array.IndexOf(buffer, (byte)'\n', from, n - from)) >= 0; from = at + 1)
            {
                Add(buffer.AsSpan(from, at - from));
                yield return End(isLast: false);
            }

            Add(buffer.AsSpan(from, n - from));
        }

        if (_length > 0)
        {
            yield return End(isLast: true);
        }
    }

    private async Task<int> ReadAsync(byte[] buffer)
    {
        try
        {
            return await stream.ReadAsync(buffer).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return 0; // the process is gone
        }
    }

    private void Add(ReadOnlySpan<byte> part)
    {
        _length += part.Length;
        if (_length > most)
        {
            // Too long: what it was can be seen from its end alone.
            byte[] tail = [.. _line.AsSpan(Math.Max(0, _held - Tail), Math.Min(_held, Tail)), .. part];
            _held = Math.Min(tail.Length, Tail);
            _line = [.. tail.AsSpan(tail.Length - _held), .. new byte[Tail - _held]];
            return;
        }

        if (_held + part.Length > _line.Length)
        {
            Array.Resize(ref _line, Math.Max(_held + part.Length, Math.Min(2 * _line.Length, most)));
        }

        part.CopyTo(_line.AsSpan(_held));
        _held += part.Length;
    }

    private ReadLine End(bool isLast)
    {
        ReadLine line = new(_line.AsMemory(0, _held), _length, isLast);
        if (_line.Length > 16 * Tail)
        {
            _line = new byte[Tail]; // a long line's room is not kept
        }

        (_held, _length) = (0, 0);
        return line;
    }
}
