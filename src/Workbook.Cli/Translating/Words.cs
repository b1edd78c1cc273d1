using System.Globalization;
using System.Text.RegularExpressions;

namespace Workbook.Cli.Translating;

/// <summary>
/// The fixed words of charts, tables, claims and pages in another language: a table in <c>words.md</c>, whose heading is the language's own name.
/// <c>{1}</c> stands for a number.
/// </summary>
internal sealed partial class Words
{
    /// <summary>The table's file, in the language's folder.</summary>
    public const string FileName = "words.md";

    private readonly IReadOnlyList<(Regex English, string Other)> _phrases;

    private Words(string name, IReadOnlyDictionary<string, string> entries)
    {
        (Name, Entries) = (name, entries);

        // The longest first: "not measured here" before "measured".
        _phrases = [.. entries.OrderByDescending(entry => entry.Key.Length).Select(entry => (Pattern(entry.Key), entry.Value))];
    }

    /// <summary>The language's own name.</summary>
    public string Name { get; }

    /// <summary>English → the other language, as the table has them.</summary>
    public IReadOnlyDictionary<string, string> Entries { get; }

    /// <summary>Reads a language's table.</summary>
    /// <exception cref="WorkbookException">It can't be read, has no heading, or a word twice.</exception>
    public static Words Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the words {path} can't be read: {e.Message}", e);
        }
    }

    /// <summary>A label in the other language: wholly, or as it was. Names, numbers and units stay.</summary>
    public string Of(string label)
    {
        string translated = label;
        List<string> done = [];
        foreach ((Regex english, string other) in _phrases)
        {
            // A placeholder for what is translated, so that no shorter phrase finds a word in it.
            translated = english.Replace(translated, match =>
            {
                done.Add(Numbered().Replace(other, number => match.Groups["n" + number.Groups[1].Value].Value));
                return $"\uE000{done.Count - 1}\uE001";
            });
        }

        return HasProse(translated) ? label
            : Placeholder().Replace(translated, match => done[int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)]);
    }

    /// <summary>Whether there is English prose in a label: names, numbers and units are none.</summary>
    internal static bool HasProse(string label) => Word().IsMatch(label);

    private static Words Parse(string path, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        string name = lines.FirstOrDefault(line => line.StartsWith("# ", StringComparison.Ordinal))?[2..].Trim()
            ?? throw new WorkbookException($"{path} has no heading: its first line is # and the language's own name");
        Dictionary<string, string> entries = [];
        foreach (string[] row in lines.Where(line => line.StartsWith('|')).Skip(2).Select(line => line.Trim().Trim('|').Split('|')))
        {
            if (row is not [var english, var other] || english.Trim().Length == 0 || !entries.TryAdd(english.Trim(), other.Trim()))
            {
                throw new WorkbookException($"{path}: the row \"{string.Join('|', row).Trim()}\" is no word with its translation, or is there twice");
            }
        }

        return new Words(name, entries);
    }

    private static Regex Pattern(string english)
    {
        string pattern = Numbered().Replace(Regex.Escape(english).Replace(@"\{", "{", StringComparison.Ordinal), @"(?<n$1>[+−-]?\d[\d.,]*)");
        return new Regex($@"(?<![\w.\-/\\\uE000]){pattern}(?![\w\-/\\]|\.\w)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);
    }

    // A word of English prose: small letters, at least two, no part of a name, an id or a file.
    [GeneratedRegex(@"(?<![\w.\-/\\])[a-z]{2,}(?:-[a-z]+)*(?![\w\-/\\]|\.\w)")]
    private static partial Regex Word();

    [GeneratedRegex(@"\{(\d)\}")]
    private static partial Regex Numbered();

    [GeneratedRegex("\uE000(\\d+)\uE001")]
    private static partial Regex Placeholder();
}
