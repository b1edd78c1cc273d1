using System.Globalization;

namespace Workbook.Cli.Kernel;

/// <summary>How much of what a cell shows is kept: the runner's memory is bounded whatever a cell does.</summary>
internal static class OutputLimits
{
    /// <summary>The most characters of console text in one event; more of it is several events.</summary>
    public const int Piece = 65_536;

    /// <summary>The most characters of one display, update or result: a chart has a few millions.</summary>
    public const int Shown = 16_000_000;

    /// <summary>The most characters of an exception's message, or of its trace.</summary>
    public const int Message = 100_000;

    /// <summary>The most bytes of an event's line: each character that is shown may take six.</summary>
    public const int Line = 100_000_000;

    /// <summary>A text's beginning, with a remark where more is left out.</summary>
    public static string Cut(string text, int most = Message) => text.Length <= most ? text
        : $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]} {Remark(text.Length - most)}";

    /// <summary>What is shown; where that is too large, a remark in its place.</summary>
    public static Dictionary<string, string> Cut(IReadOnlyDictionary<string, string> bundle)
    {
        Dictionary<string, string> kept = [];
        foreach ((string type, string text) in bundle)
        {
            kept[type] = text ?? throw new ArgumentException($"what is to be shown has no text for {type} (null)");
        }

        long length = kept.Sum(entry => (long)entry.Value.Length);
        string remark = string.Create(CultureInfo.InvariantCulture, $"[left out: {length:N0} characters in one output, {Shown:N0} are the most]");
        return length <= Shown ? kept : new() { ["text/plain"] = remark };
    }

    private static string Remark(long more) => string.Create(CultureInfo.InvariantCulture, $"[cut: {more:N0} more characters]");
}
