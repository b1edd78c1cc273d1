using System.Globalization;
using System.Text;

namespace Workbook.Cli.Notebooks;

/// <summary>
/// Halves of characters (lone surrogates). JSON can hold them, JavaScript and Python write them, and no text of .NET's JSON can be got where one is.
/// </summary>
internal static class HalfCharacters
{
    /// <summary>The JSON with U+FFFD in the place of each, written out or as an escape.</summary>
    public static string Replaced(string json)
    {
        int first = First(json, 0);
        if (first < 0)
        {
            return json;
        }

        StringBuilder whole = new(json.Length);
        int from = 0;
        for (int at = first; at >= 0; at = First(json, from))
        {
            whole.Append(json, from, at - from).Append('\uFFFD');
            from = at + (json[at] == '\\' ? 6 : 1);
        }

        return whole.Append(json, from, json.Length - from).ToString();
    }

    private static int First(string json, int from)
    {
        for (int at = from; at < json.Length; at++)
        {
            if (json[at] == '\\')
            {
                char unit = Escaped(json, at);
                if (!char.IsSurrogate(unit))
                {
                    at++; // what is escaped is no escape
                }
                else if (char.IsHighSurrogate(unit) && char.IsLowSurrogate(Escaped(json, at + 6)))
                {
                    at += 11;
                }
                else
                {
                    return at;
                }
            }
            else if (char.IsSurrogate(json[at]))
            {
                if (at + 1 == json.Length || !char.IsSurrogatePair(json[at], json[at + 1]))
                {
                    return at;
                }

                at++;
            }
        }

        return -1;
    }

    /// <summary>The UTF-16 unit of an escape with four digits; 0 where there is none.</summary>
    private static char Escaped(string json, int at) => at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u'
        && ushort.TryParse(json.AsSpan(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit) ? (char)unit : '\0';
}
