using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Native;

namespace Workbook.Cli.Notebooks;

/// <summary>Reads a notebook and checks that this runner can run it.</summary>
internal static class NotebookReader
{
    /// <exception cref="WorkbookException">The file is no notebook, or one in another format or language.</exception>
    public static NotebookDocument Read(string path)
    {
        try
        {
            FileKind.RequireFile(path, "read"); // a pipe is waited for, a device read without end
            return Parse(path, File.ReadAllText(path)); // as text: some editors begin with a byte order mark
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Fault(path, "can't be read: " + e.Message);
        }
    }

    /// <summary>Takes a notebook's text as if it were in the file.</summary>
    /// <exception cref="WorkbookException">The text is no notebook, or one in another format or language.</exception>
    public static NotebookDocument Parse(string path, string text)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(HalfCharacters.Replaced(text), documentOptions: JupyterJson.Document);
        }
        catch (JsonException e)
        {
            throw Fault(path, JsonFault.Describe(text, e));
        }

        if (root is not JsonObject document)
        {
            throw Fault(path, "is not a notebook: a JSON object was expected");
        }

        CheckFormat(path, document);
        CheckLanguage(path, document["metadata"]);
        if (document["metadata"] is not (null or JsonObject))
        {
            throw Fault(path, "has metadata that is not an object");
        }

        document["metadata"] ??= new JsonObject(); // the format wants it
        if (document["cells"] is not JsonArray cells)
        {
            throw Fault(path, "is not a notebook: it has no cells");
        }

        for (int i = 0; i < cells.Count; i++)
        {
            CheckCell(path, cells[i], i + 1);
        }

        return new NotebookDocument(path, document);
    }

    private static void CheckFormat(string path, JsonObject document)
    {
        if (!TryGetInt(document["nbformat"], out int major))
        {
            throw Fault(path, "is not a notebook: it has no nbformat number");
        }

        if (major != 4)
        {
            throw Fault(path, $"has nbformat {major}, nbformat 4 is needed: `jupyter nbconvert --to notebook` converts it");
        }

        if (document.ContainsKey("nbformat_minor") && !TryGetInt(document["nbformat_minor"], out _))
        {
            throw Fault(path, "has an nbformat_minor that is not a number");
        }
    }

    private static void CheckLanguage(string path, JsonNode? metadata)
    {
        if (NotebookLanguage.OfNotebook(metadata) is { } language && !NotebookLanguage.IsDotnet(language))
        {
            throw Fault(path, $"is a notebook in {language}; this runner runs C#, and with --kernel dotnet-interactive F# and PowerShell");
        }
    }

    private static void CheckCell(string path, JsonNode? cell, int number)
    {
        string? type = cell is JsonObject ? NotebookLanguage.Text(cell, "cell_type") : null;
        if (type is not ("code" or "markdown" or "raw"))
        {
            throw Fault(path, $"cell {number} has no cell_type that is code, markdown or raw");
        }

        if (MultilineText.FromNode(cell!["source"]) is null)
        {
            throw Fault(path, $"cell {number} has no source text");
        }

        if (cell["metadata"] is not (null or JsonObject))
        {
            throw Fault(path, $"cell {number} has metadata that is not an object");
        }

        cell["metadata"] ??= new JsonObject();
    }

    private static bool TryGetInt(JsonNode? node, out int value)
    {
        value = 0;
        return node is JsonValue number && number.TryGetValue(out value);
    }

    private static WorkbookException Fault(string path, string what) => new($"{path}: {what}");
}
