using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Translating;

/// <summary>A cell's text in another language.</summary>
/// <param name="Of">The hash of the English text that it translates.</param>
/// <param name="Text">The translation; empty where there is none yet.</param>
/// <param name="IsOpen">Whether it waits for its translator.</param>
internal sealed record TranslatedCell(string Of, string Text, bool IsOpen);

/// <summary>
/// A notebook's texts in another language: a Markdown file beside it, <c>ko/NAME.md</c>, with each cell's text under a comment that names the cell
/// and the hash of its English text. Code and outputs are the notebook's own.
/// </summary>
internal sealed partial class Translation
{
    private const string Open = " TODO";

    private readonly OrderedDictionary<string, TranslatedCell> _cells = [];

    private Translation(string path) => Path = path;

    public string Path { get; }

    /// <summary>Where a notebook's translation is.</summary>
    public static string PathOf(string notebook, string language) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(notebook))!, language,
            System.IO.Path.GetFileNameWithoutExtension(notebook) + ".md");

    /// <summary>Reads a file of translated cells; one that is not there has none.</summary>
    /// <exception cref="WorkbookException">It can't be read, or is no such file.</exception>
    public static Translation Read(string path)
    {
        Translation read = new(path);
        if (!File.Exists(path))
        {
            return read;
        }

        string text;
        try
        {
            text = File.ReadAllText(path).ReplaceLineEndings("\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the translation {path} can't be read: {e.Message}", e);
        }

        MatchCollection heads = Head().Matches(text);
        for (int i = 0; i < heads.Count; i++)
        {
            int begin = heads[i].Index + heads[i].Length, end = i + 1 < heads.Count ? heads[i + 1].Index : text.Length;
            TranslatedCell cell = new(heads[i].Groups["hash"].Value, text[begin..end].Trim(), heads[i].Groups["open"].Success);
            if (!read._cells.TryAdd(heads[i].Groups["id"].Value, cell))
            {
                throw new WorkbookException($"the translation {path} has the cell {heads[i].Groups["id"].Value} twice: leave one");
            }
        }

        return heads.Count > 0 || text.Trim().Length == 0 ? read
            : throw new WorkbookException($"{path} is no translation: no line in it is <!-- cell ID HASH -->; 'workbook translate' writes it");
    }

    /// <summary>What of a notebook's texts is not translated, or not as the English is now; a line each.</summary>
    public IEnumerable<string> Faults(NotebookDocument notebook)
    {
        Dictionary<string, string> english = Texts(notebook).ToDictionary();
        foreach ((string id, string text) in english)
        {
            if (!_cells.TryGetValue(id, out TranslatedCell? cell) || (cell.Text.Length == 0 && !cell.IsOpen))
            {
                yield return $"{Path}: cell {id} is not translated: {Beginning(text)}";
            }
            else if (cell.Of != Hash(text))
            {
                yield return $"{Path}: cell {id} is older than its English text: {Beginning(text)}";
            }
            else if (cell.IsOpen)
            {
                yield return $"{Path}: cell {id} waits for its translator ({Open.Trim()}): {Beginning(text)}";
            }
        }

        foreach (string id in _cells.Keys.Where(id => !english.ContainsKey(id)))
        {
            yield return $"{Path}: the notebook has no text cell {id} any more";
        }
    }

    /// <summary>The notebook with the texts that are translated as the English is now; the others stay English.</summary>
    public NotebookDocument Apply(NotebookDocument notebook)
    {
        NotebookDocument translated = new(notebook.Path, notebook.Root.DeepClone().AsObject());
        foreach (JsonObject cell in translated.Cells.Where(IsText))
        {
            if (_cells.GetValueOrDefault(Id(cell)) is { IsOpen: false, Text.Length: > 0 } found && found.Of == Hash(NotebookDocument.Source(cell)))
            {
                cell["source"] = MultilineText.ToLines(found.Text);
            }
        }

        return translated;
    }

    /// <summary>
    /// The file as a translator finds it: cells in the notebook's order; where a translation is missing or old, the English text of now stands in the
    /// comment above it. What the notebook has no more goes.
    /// </summary>
    public string Renewed(NotebookDocument notebook)
    {
        StringBuilder file = new();
        foreach ((string id, string text) in Texts(notebook))
        {
            TranslatedCell? cell = _cells.GetValueOrDefault(id);
            bool done = cell is { IsOpen: false, Text.Length: > 0 } && cell.Of == Hash(text);
            string head = done ? " -->" : $"{Open}\n{text.Replace("-->", "--&gt;", StringComparison.Ordinal)}\n-->";
            file.Append($"<!-- cell {id} {Hash(text)}{head}\n\n").Append(cell is { Text.Length: > 0 } ? cell.Text + "\n\n" : "");
        }

        return file.ToString().TrimEnd('\n') + "\n";
    }

    private static IEnumerable<KeyValuePair<string, string>> Texts(NotebookDocument notebook) =>
        notebook.Cells.Where(IsText).Select(cell => KeyValuePair.Create(Id(cell), NotebookDocument.Source(cell).Trim()));

    private static bool IsText(JsonObject cell) => cell["cell_type"]!.ToString() == "markdown";

    private static string Id(JsonObject cell) => cell["id"]!.ToString();

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.Trim().ReplaceLineEndings("\n"))))[..12];

    private static string Beginning(string text) => text.Split('\n')[0] is { Length: > 60 } line ? line[..60] + "…" : text.Split('\n')[0];

    [GeneratedRegex(@"^<!-- cell (?<id>[\w-]{1,64}) (?<hash>[0-9a-f]{12})(?<open> TODO\n.*?)?\s*-->$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Head();
}
