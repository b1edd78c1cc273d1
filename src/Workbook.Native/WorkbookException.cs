using System.Globalization;
using System.Runtime.CompilerServices;

namespace Workbook;

/// <summary>
/// A fault that the user can mend; the message is one line that says what is wrong and how to mend it. Names and texts of
/// others stand in messages: characters that would steer a terminal become spaces. Numbers look the same in every culture.
/// </summary>
public sealed class WorkbookException : Exception
{
    /// <summary>A fault with what caused it.</summary>
    public WorkbookException(string message, Exception? inner = null)
        : base(OneLine(message), inner)
    {
    }

    /// <summary>As the other, for <c>$"…"</c>: its numbers are written in the invariant culture.</summary>
    public WorkbookException(InvariantText message, Exception? inner = null)
        : this(message.ToString(), inner)
    {
    }

    /// <summary>A text without line breaks and control characters; spaces are in their places.</summary>
    internal static string OneLine(string text) => string.Concat(text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c));
}

/// <summary>What the compiler makes of <c>$"…"</c> where a text is wanted that is the same in every culture.</summary>
[InterpolatedStringHandler]
public ref struct InvariantText(int literalLength, int formattedCount)
{
    private DefaultInterpolatedStringHandler _text = new(literalLength, formattedCount, CultureInfo.InvariantCulture);

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <inheritdoc cref="AppendLiteral"/>
    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    /// <summary>The text; to be asked for once.</summary>
    public override string ToString() => _text.ToStringAndClear();
}
