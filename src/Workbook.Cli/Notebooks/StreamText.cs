using System.Text;

namespace Workbook.Cli.Notebooks;

/// <summary>
/// Console text as a terminal would leave it: after a carriage return a line is written over, so that a progress line is kept
/// once and not a thousand times. What goes beyond the limit is counted and left out.
/// </summary>
/// <param name="limit">The most characters to keep.</param>
internal sealed class StreamText(int limit)
{
    private readonly StringBuilder _lines = new();
    private readonly StringBuilder _line = new();
    private int _column;
    private long _leftOut;
    private bool _lineCut;

    public int Length => _lines.Length + _line.Length;

    public void Append(string text)
    {
        foreach (char c in text)
        {
            switch (c)
            {
                case '\n':
                    EndLine();
                    break;
                case '\r':
                    _column = 0;
                    break;
                default:
                    Put(c);
                    break;
            }
        }
    }

    public override string ToString() => _leftOut == 0
        ? $"{_lines}{_line}"
        : $"{_lines}{_line}{(_line.Length > 0 ? "\n" : "")}[output cut: {_leftOut} more characters]\n";

    private void EndLine()
    {
        if (_lineCut || Length >= limit)
        {
            _leftOut++;
        }
        else
        {
            _lines.Append(_line).Append('\n');
            _line.Clear();
        }

        _column = 0;
        _lineCut = Length >= limit;
    }

    private void Put(char c)
    {
        if (_column < _line.Length && !_lineCut)
        {
            _line[_column++] = c;
        }
        else if (Length < limit)
        {
            _line.Append(c);
            _column++;
        }
        else
        {
            _leftOut++;
            _lineCut = true;
        }
    }
}
