using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>Text as notebooks hold it: an array of lines, each with its line end.</summary>
internal static class MultilineText
{
    private const int MostLines = 100_000;

    /// <summary>The lines; of a text of very many, which would take far more memory than it, the text as one string, as the format has it too.</summary>
    public static JsonNode ToLines(string text)
    {
        if (text.Length > MostLines && text.AsSpan().Count('\n') > MostLines)
        {
            return text;
        }

        JsonArray lines = [];
        int start = 0;
        while (start < text.Length)
        {
            int end = text.IndexOf('\n', start);
            end = end < 0 ? text.Length : end + 1;
            lines.Add(text[start..end]);
            start = end;
        }

        return lines;
    }

    /// <summary>The text of a string, or of an array of strings.</summary>
    /// <returns>Null if it is neither.</returns>
    public static string? FromNode(JsonNode? node)
    {
        if (node is JsonArray lines)
        {
            return lines.All(IsString) ? string.Concat(lines.Select(line => line!.GetValue<string>())) : null;
        }

        return IsString(node) ? node!.GetValue<string>() : null;
    }

    private static bool IsString(JsonNode? node) => node?.GetValueKind() == System.Text.Json.JsonValueKind.String;
}
