using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Workbook.Hostile;

/// <summary>Makes odd inputs of valid ones.</summary>
internal static partial class Damage
{
    private static readonly long[] s_lengths =
        [0, 1, -1, 127, 255, 256, 65535, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40];

    private static readonly string[] s_texts =
    [
        "", " ", "\u0000", "\u001b[2J", "\u2028", "\ufeff", "../../../x", "/dev/zero", "NaN", "1e999", "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))", "<svg onload=alert(1)>", "\"><iframe src=javascript:alert(1)>", "$\\frac{1}{$", "| a |\n|---|\n| `", "```", "# #",
        "#!import x", "#r \"nuget:\"", "csharp", "markdown", "code", "application/json", "text/html", "4", new string('[', 300), new string('>', 5000),
        new string('{', 20_000), new string('x', 200_000),
    ];

    /// <summary>Up to four changes anywhere.</summary>
    public static byte[] Bytes(Random random, byte[] valid)
    {
        List<byte> bytes = [.. valid];
        for (int left = random.Next(1, 5); left > 0; left--)
        {
            int at = random.Next(2) == 0 ? random.Next(bytes.Count + 1) : random.Next(Math.Min(bytes.Count, 64) + 1);
            int length = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : length);
                    break;
                case 1:
                    bytes.InsertRange(at, Noise(random, random.Next(1, 17)));
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 200), bytes.Count - at)));
                    break;
                case 3:
                    Write(bytes, at, Number(random));
                    break;
                default:
                    Write(bytes, at, Noise(random, length));
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>JSON whose values, members and order are changed, as text: it may have a member twice, or be no JSON at all.</summary>
    public static string Json(Random random, JsonNode valid)
    {
        JsonNode root = valid.DeepClone();
        for (int left = random.Next(1, 4); left > 0; left--)
        {
            Change(random, root);
        }

        string text = root.ToJsonString();
        return random.Next(8) switch
        {
            0 => Member().Replace(text, found => random.Next(40) == 0 ? found.Value + "0," + found.Value : found.Value),
            1 => text.Insert(random.Next(text.Length), random.Next(2) == 0 ? "\\ud800" : "\"\\udc00\""),
            2 => Encoding.UTF8.GetString(Bytes(random, Encoding.UTF8.GetBytes(text))),
            3 => string.Concat(Enumerable.Repeat("[", random.Next(2000))) + text,
            _ => text,
        };
    }

    public static string Text(Random random) => s_texts[random.Next(s_texts.Length)];

    private static void Change(Random random, JsonNode root)
    {
        // A way down, to a place at any depth.
        JsonNode at = root;
        while (Children(at).OfType<JsonNode>().Where(c => c is JsonObject or JsonArray).ToArray() is { Length: > 0 } deeper && random.Next(4) > 0)
        {
            at = deeper[random.Next(deeper.Length)];
        }

        if (at is JsonObject { Count: > 0 } members)
        {
            string name = members.ElementAt(random.Next(members.Count)).Key;
            if (random.Next(3) == 0)
            {
                members.Remove(name);
            }
            else
            {
                members[random.Next(4) == 0 ? Text(random) : name] = Value(random);
            }
        }
        else if (at is JsonArray { Count: > 0 } items)
        {
            int item = random.Next(items.Count);
            if (random.Next(3) == 0)
            {
                items.Insert(item, items[item]?.DeepClone());
            }
            else
            {
                items[item] = Value(random);
            }
        }
    }

    private static IEnumerable<JsonNode?> Children(JsonNode node) =>
        node is JsonObject members ? members.Select(m => m.Value) : node is JsonArray items ? items : [];

    private static JsonNode? Value(Random random) => random.Next(8) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => s_lengths[random.Next(s_lengths.Length)],
        3 => random.NextDouble() * Math.Pow(10, random.Next(-300, 300)),
        4 => new JsonArray(),
        5 => new JsonObject { ["a"] = Text(random) },
        6 => Enumerable.Range(0, random.Next(1, 700)).Aggregate((JsonNode)new JsonArray(), (inner, _) => new JsonArray(inner)),
        _ => Text(random),
    };

    private static byte[] Noise(Random random, int length)
    {
        byte[] noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }

    private static byte[] Number(Random random)
    {
        byte[] number = new byte[8];
        long value = s_lengths[random.Next(s_lengths.Length)];
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            return number;
        }

        BinaryPrimitives.WriteInt32BigEndian(number, unchecked((int)value));
        return number[..4];
    }

    private static void Write(List<byte> bytes, int at, byte[] over)
    {
        for (int i = 0; i < over.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = over[i];
        }
    }

    [GeneratedRegex("\"[a-z_]+\":")]
    private static partial Regex Member();
}
