using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>Text as notebooks hold it: an array of lines, each with its line end.</summary>
internal static class MultilineText
{
    public static JsonArray ToLines(string text)
    {
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
