using static TorchSharp.torch;

namespace Workbook;

/// <summary>A text as numbers, a character each.</summary>
public sealed class Characters
{
    private readonly TextSource _text;
    private readonly Dictionary<char, long> _numbers;

    /// <param name="text">Its different characters are the alphabet.</param>
    public Characters(TextSource text)
    {
        ArgumentNullException.ThrowIfNull(text);
        _text = text;
        Alphabet = string.Concat(text.Content.Distinct().Order());
        _numbers = Alphabet.Index().ToDictionary(c => c.Item, c => (long)c.Index);
    }

    /// <summary>All characters of the text, in the order of their codes.</summary>
    public string Alphabet { get; }

    /// <summary>Windows of the text, one behind the other: what is read, and for each character the one that follows.</summary>
    /// <param name="from">Where the first begins, as a share of the text, 0 to 1.</param>
    /// <param name="count">How many.</param>
    /// <param name="length">Characters in each.</param>
    /// <returns>Inputs and labels, Int64 [count, length].</returns>
    /// <exception cref="WorkbookException">The text ends before.</exception>
    public LabelledTensors Windows(double from, int count, int length = 64)
    {
        int start = (int)(from * _text.Content.Length);
        if (!(from is >= 0 and <= 1) || count < 1 || length < 1 || start + ((long)count * length) + 1 > _text.Content.Length)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"{count} windows of {length} characters from {from:P0} on go beyond {_text.Title}, which has {_text.Content.Length:N0} characters"));
        }

        long[] numbers = [.. _text.Content.AsSpan(start, (count * length) + 1).ToArray().Select(c => _numbers[c])];
        return new(from_array(numbers[..^1]).reshape(count, length), from_array(numbers[1..]).reshape(count, length)) { Name = _text.Title };
    }
}
