using System.Text;
using System.Text.Json;

namespace Workbook.Cli.Notebooks;

/// <summary>Says why a text is not JSON, or not such as a notebook may be: the reader of the framework says it with a line for some faults alone.</summary>
internal static class JsonFault
{
    private const int Deepest = 1_000_000;

    /// <param name="text">The text.</param>
    /// <param name="fault">What the reader said of it.</param>
    public static string Describe(string text, JsonException fault)
    {
        try
        {
            return Find(Encoding.UTF8.GetBytes(text)) ?? (fault.LineNumber is { } line ? NotValid(line) : "is not valid JSON");
        }
        catch (JsonException e)
        {
            return NotValid(e.LineNumber ?? 0);
        }
        catch (InvalidOperationException)
        {
            return "is not valid JSON: a member's name holds half of a character (an unpaired surrogate)";
        }
    }

    // A member that is there twice, or too many levels: whichever comes first.
    private static string? Find(byte[] json)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = Deepest });
        Stack<HashSet<string>> members = [];
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= JupyterJson.Document.MaxDepth:
                    return $"nests objects and arrays deeper than {JupyterJson.Document.MaxDepth} levels (line {LineOf(json, reader)})";
                case JsonTokenType.StartObject:
                    members.Push([]);
                    break;
                case JsonTokenType.EndObject:
                    members.Pop();
                    break;
                case JsonTokenType.PropertyName when !members.Peek().Add(reader.GetString()!):
                    return $"has the member \"{reader.GetString()}\" twice in one object (line {LineOf(json, reader)}): remove one";
                default:
                    break;
            }
        }

        return null;
    }

    private static int LineOf(byte[] json, Utf8JsonReader reader) => 1 + json.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n');

    private static string NotValid(long line) => $"is not valid JSON (line {line + 1})";
}
