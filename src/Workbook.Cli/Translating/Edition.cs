using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Translating;

/// <summary>
/// A language of the site: English, or one whose folder, named by its code (<c>ko</c>), lies beside the notebooks with words and translations.
/// </summary>
internal sealed partial class Edition
{
    /// <summary>The language that the notebooks are written in.</summary>
    public const string English = "en";

    // What a reader sees of a chart's numbers: names, titles, labels, and categories along an axis.
    private static readonly HashSet<string> s_seen = ["text", "name", "ticktext", "x", "y", "label", "labels", "categoryarray"];

    private readonly Words? _words;

    private Edition(string code, Words? words) => (Code, _words) = (code, words);

    /// <summary>The English one.</summary>
    public static Edition Original { get; } = new(English, null);

    /// <summary>The language's code, as in HTML's <c>lang</c>.</summary>
    public string Code { get; }

    /// <summary>The language's own name.</summary>
    public string Name => _words?.Name ?? "English";

    public bool IsOriginal => _words is null;

    /// <summary>The editions that there are, English first: of each language that has words beside one of the notebooks.</summary>
    /// <exception cref="WorkbookException">A table of words can't be read.</exception>
    public static IReadOnlyList<Edition> Of(IEnumerable<string> notebooks) => [Original, .. notebooks
        .Select(path => Path.GetDirectoryName(Path.GetFullPath(path))!).Distinct().Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories)
        .Where(folder => IsCode().IsMatch(Path.GetFileName(folder)) && File.Exists(Path.Combine(folder, Words.FileName))).Order(StringComparer.Ordinal)
        .DistinctBy(Path.GetFileName).Select(folder => new Edition(Path.GetFileName(folder), Words.Read(Path.Combine(folder, Words.FileName))))];

    /// <summary>The edition of a language.</summary>
    /// <exception cref="WorkbookException">There is no such language beside the notebooks.</exception>
    public static Edition Named(string language, IEnumerable<string> notebooks)
    {
        IReadOnlyList<Edition> there = Of(notebooks);
        return there.FirstOrDefault(edition => edition.Code == language) ?? throw new WorkbookException(
            $"there is no folder {language} with {Words.FileName} beside the notebooks; there is "
                + string.Join(", ", there.Select(edition => edition.Code)));
    }

    /// <summary>What keeps notebooks from being whole in a language, a line each.</summary>
    /// <exception cref="WorkbookException">There is no such language beside them, or a translation can't be read.</exception>
    public static IReadOnlyList<string> Faults(IReadOnlyList<NotebookDocument> notebooks, string language) =>
        Named(language, notebooks.Select(notebook => notebook.Path)).IsOriginal ? []
            : [.. notebooks.SelectMany(notebook => Translation.Read(Translation.PathOf(notebook.Path, language)).Faults(notebook))];

    /// <summary>Whether there is something of a notebook in this language.</summary>
    public bool Has(string notebook) => IsOriginal || File.Exists(Translation.PathOf(notebook, Code));

    /// <summary>A notebook's texts in this language, and how many stay English, because they are not translated as they are now.</summary>
    /// <exception cref="WorkbookException">The translation can't be read.</exception>
    public (NotebookDocument Notebook, int Untranslated) Read(NotebookDocument notebook)
    {
        if (!Has(notebook.Path) || IsOriginal)
        {
            return (notebook, 0);
        }

        Translation translation = Translation.Read(Translation.PathOf(notebook.Path, Code));
        return (translation.Apply(notebook), translation.Faults(notebook).Count());
    }

    /// <summary>A page's file: <c>index.html</c> is <c>index.ko.html</c>.</summary>
    public string PageOf(string english) => IsOriginal ? english : $"{Path.GetFileNameWithoutExtension(english)}.{Code}.html";

    /// <summary>A fixed word of a page, a label of a chart.</summary>
    public string Say(string english) => _words?.Of(english) ?? english;

    /// <summary>The words between an HTML's elements. What a script holds is no words.</summary>
    public string Html(string html) => _words is null ? html : Text().Replace(html, match => match.Value.StartsWith('<')
        ? match.Value
        : System.Net.WebUtility.HtmlEncode(Say(System.Net.WebUtility.HtmlDecode(match.Value))));

    /// <summary>The words of a chart.</summary>
    public void Chart(JsonNode? chart, bool isSeen = false)
    {
        switch (_words is null ? null : chart)
        {
            case JsonObject members:
                foreach ((string key, JsonNode? member) in members.ToArray())
                {
                    if (s_seen.Contains(key) && Word(member) is { } word)
                    {
                        members[key] = word;
                    }
                    else
                    {
                        Chart(member, s_seen.Contains(key));
                    }
                }

                break;
            case JsonArray items:
                for (int i = 0; i < items.Count; i++)
                {
                    if (isSeen && Word(items[i]) is { } word)
                    {
                        items[i] = word;
                    }
                    else
                    {
                        Chart(items[i], isSeen);
                    }
                }

                break;
            default:
                break;
        }
    }

    private string? Word(JsonNode? value) => value is JsonValue text && text.TryGetValue(out string? english) ? Say(english) : null;

    [GeneratedRegex("^[a-z]{2}$")]
    private static partial Regex IsCode();

    [GeneratedRegex("<script\\b.*?</script>|(?<=>)[^<>]+(?=<)|(?<=data-label=\")[^\"]+(?=\")", RegexOptions.Singleline)]
    private static partial Regex Text();
}
