using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>A notebook in nbformat 4.5. What the runner does not know is kept as it is.</summary>
internal sealed class NotebookDocument
{
    /// <summary>The tag of a cell that is meant to fail: what follows it runs all the same.</summary>
    public const string RaisesTag = "raises-exception";

    /// <summary>The tag of a cell that measures times: cells of other notebooks wait meanwhile.</summary>
    public const string TimingTag = "timing";

    private const string SkippedTag = "skip-execution";

    private readonly JsonArray _cells;

    /// <summary>Takes a document that <see cref="NotebookReader"/> has checked.</summary>
    public NotebookDocument(string path, JsonObject root)
    {
        Path = path;
        Root = root;
        _cells = root["cells"]!.AsArray();
        root["nbformat_minor"] = Math.Max(5, root["nbformat_minor"]?.GetValue<int>() ?? 0);
        AddMissingIds();
    }

    public string Path { get; }

    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public JsonObject Root { get; }

    /// <summary>The first heading of its text, else its name.</summary>
    public string Title => Cells.Where(cell => cell["cell_type"]!.GetValue<string>() == "markdown").SelectMany(cell => Source(cell).Split('\n'))
        .FirstOrDefault(line => line.StartsWith("# ", StringComparison.Ordinal))?[2..].Trim() ?? Name;

    public IReadOnlyList<JsonObject> Cells => [.. _cells.Select(cell => cell!.AsObject())];

    public IReadOnlyList<JsonObject> CodeCells => [.. Cells.Where(IsCode)];

    public static string Source(JsonObject cell) => MultilineText.FromNode(cell["source"])!;

    public static bool HasTag(JsonObject cell, string tag) =>
        cell["metadata"]?["tags"] is JsonArray tags && tags.Any(t => t?.GetValueKind() == System.Text.Json.JsonValueKind.String && t.GetValue<string>() == tag);

    /// <summary>Whether a cell says that it is not to be run: it stays as it is.</summary>
    public static bool IsSkipped(JsonObject cell) => HasTag(cell, SkippedTag);

    /// <summary>The engine that the notebook asks for in its metadata (<c>{"workbook": {"kernel": …}}</c>); null where it asks for none.</summary>
    public string? EngineName => NotebookLanguage.Text(Root["metadata"], "workbook", "kernel");

    /// <summary>The language of a code cell, by the name that .NET Interactive has for it: its own, else the notebook's.</summary>
    public string LanguageOf(JsonObject cell) => NotebookLanguage.OfCell(cell) ?? NotebookLanguage.OfNotebook(Root["metadata"]) ?? NotebookLanguage.CSharp;

    /// <summary>Removes what an earlier run left in the code cells.</summary>
    public void ClearOutputs()
    {
        foreach (JsonObject cell in CodeCells.Where(cell => !IsSkipped(cell)))
        {
            cell["execution_count"] = null;
            cell["outputs"] = new JsonArray();
        }
    }

    public void Remove(JsonObject cell) => _cells.Remove(cell);

    /// <summary>Inserts a code cell behind another, in its language.</summary>
    public void InsertAfter(JsonObject cell, string source, string tag)
    {
        string id = NewId(tag + source, TakenIds());
        JsonObject metadata = new() { ["tags"] = new JsonArray(tag) };
        foreach (string language in NotebookLanguage.Keys)
        {
            if (cell["metadata"]?[language] is { } named)
            {
                metadata[language] = named.DeepClone();
            }
        }

        JsonObject inserted = new()
        {
            ["cell_type"] = "code",
            ["execution_count"] = null,
            ["id"] = id,
            ["metadata"] = metadata,
            ["outputs"] = new JsonArray(),
            ["source"] = MultilineText.ToLines(source),
        };
        _cells.Insert(_cells.IndexOf(cell) + 1, inserted);
    }

    public static bool IsCode(JsonObject cell) => cell["cell_type"]!.GetValue<string>() == "code";

    // Cells have ids since 4.5. They come from the content, so that a notebook that is run twice stays the same.
    private void AddMissingIds()
    {
        HashSet<string> taken = TakenIds(), seen = [];
        for (int i = 0; i < _cells.Count; i++)
        {
            JsonObject cell = _cells[i]!.AsObject();
            string? id = cell["id"]?.GetValueKind() == System.Text.Json.JsonValueKind.String ? cell["id"]!.GetValue<string>() : null;
            bool valid = id is { Length: >= 1 and <= 64 } && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
            if (!valid || !seen.Add(id!))
            {
                id = NewId(i + Source(cell), taken);
                cell["id"] = id;
                seen.Add(id);
            }
        }
    }

    private HashSet<string> TakenIds() => [.. _cells.Select(cell => cell!["id"]?.ToString()).OfType<string>()];

    private static string NewId(string content, HashSet<string> taken)
    {
        for (int attempt = 0; ; attempt++)
        {
            string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(attempt + content)))[..8];
            if (taken.Add(id))
            {
                return id;
            }
        }
    }
}
