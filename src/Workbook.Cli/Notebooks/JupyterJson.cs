using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workbook.Cli.Notebooks;

/// <summary>JSON as Jupyter writes it: indented by one, keys in order, characters as they are, a line end at the end.</summary>
internal static class JupyterJson
{
    private const int Deepest = 1000; // Python's reader has about the same limit

    /// <summary>How a notebook's JSON is read.</summary>
    public static JsonDocumentOptions Document { get; } = new() { AllowDuplicateProperties = false, MaxDepth = Deepest };

    /// <summary>How JSON is read that an output of a notebook is to hold: so that the notebook can be read again.</summary>
    public static JsonDocumentOptions Displayed { get; } = new() { AllowDuplicateProperties = false, MaxDepth = Deepest - 100 };

    private static readonly JsonWriterOptions s_options = new()
    {
        MaxDepth = 2 * Deepest,
        Indented = true,
        IndentSize = 1,
        NewLine = "\n",
        Encoder = new OnlyWhatJsonDemands(),
    };

    public static byte[] Serialize(JsonNode node)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, s_options))
        {
            node.WriteTo(writer);
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>Escapes quotes, backslashes and control characters; the framework's most relaxed encoder still escapes emoji.</summary>
    private sealed class OnlyWhatJsonDemands : JavaScriptEncoder
    {
        public override int MaxOutputCharactersPerInputCharacter => 6;

        public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
        {
            ReadOnlySpan<char> span = new(text, textLength);
            for (int i = 0; i < span.Length; i++)
            {
                if (char.IsSurrogate(span[i]))
                {
                    if (i + 1 < span.Length && char.IsSurrogatePair(span[i], span[i + 1]))
                    {
                        i++;
                        continue;
                    }

                    return i;
                }

                if (WillEncode(span[i]))
                {
                    return i;
                }
            }

            return -1;
        }

        public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\';

        public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
        {
            Span<char> target = new(buffer, bufferLength);
            string? text = unicodeScalar switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                < 0x20 => $"\\u{unicodeScalar:x4}",
                _ => new Rune(unicodeScalar).ToString(),
            };
            numberOfCharactersWritten = text.TryCopyTo(target) ? text.Length : 0;
            return numberOfCharactersWritten > 0;
        }
    }
}
