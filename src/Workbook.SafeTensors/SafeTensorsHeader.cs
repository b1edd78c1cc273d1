using System.Text.Json;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Where a tensor lies in a file, as its checked header says.</summary>
/// <param name="DtypeName">Type of its elements, as the format calls it.</param>
/// <param name="Dtype">Type of its elements; null where TorchSharp lacks it.</param>
/// <param name="Shape">Lengths of its dimensions; none for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">The byte after its last one.</param>
internal sealed record SafeTensorsEntry(string DtypeName, ScalarType? Dtype, long[] Shape, long Begin, long End);

/// <summary>The JSON header of a safetensors file (https://github.com/huggingface/safetensors, "Format").</summary>
internal sealed record SafeTensorsHeader(OrderedDictionary<string, SafeTensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    internal const string MetadataName = "__metadata__";

    /// <summary>The longest that the format's own library reads.</summary>
    internal const int LongestBytes = 100_000_000;

    /// <summary>Those of the format that TorchSharp lacks, with the bits of one element.</summary>
    private static readonly Dictionary<string, int> s_others = new (string Name, int Bits)[]
    {
        ("U64", 64), ("C64", 64), ("U32", 32), ("U16", 16), ("F8_E4M3", 8), ("F8_E5M2", 8), ("F8_E8M0", 8),
        ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("F6_E2M3", 6), ("F6_E3M2", 6), ("F4", 4),
    }.ToDictionary(d => d.Name, d => d.Bits);

    private static readonly (ScalarType Dtype, string Name, int Bytes)[] s_dtypes =
    [
        (ScalarType.Float64, "F64", 8), (ScalarType.Int64, "I64", 8), (ScalarType.Float32, "F32", 4), (ScalarType.Int32, "I32", 4),
        (ScalarType.Float16, "F16", 2), (ScalarType.BFloat16, "BF16", 2), (ScalarType.Int16, "I16", 2),
        (ScalarType.Int8, "I8", 1), (ScalarType.Byte, "U8", 1), (ScalarType.Bool, "BOOL", 1),
    ];

    /// <summary>Bytes of one element; null for a dtype that the format or TorchSharp lacks.</summary>
    internal static int? BytesOf(ScalarType dtype) => s_dtypes.Where(d => d.Dtype == dtype).Select(d => (int?)d.Bytes).FirstOrDefault();

    internal static string NameOf(ScalarType dtype) => s_dtypes.First(d => d.Dtype == dtype).Name;

    internal static string DtypeNames => string.Join(", ", s_dtypes.Select(d => d.Name));

    /// <summary>Reads and checks a header; nothing in it is believed that the length of the file does not bear out.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="json">The header without its length.</param>
    /// <param name="dataBytes">Bytes of the file after the header.</param>
    /// <exception cref="WorkbookException">The header is not what the format demands.</exception>
    internal static SafeTensorsHeader Parse(string path, ReadOnlyMemory<byte> json, long dataBytes)
    {
        try
        {
            if (json.IsEmpty || json.Span[0] != '{')
            {
                throw SafeTensorsFault.Of(path, "its header does not begin with '{'");
            }

            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            SafeTensorsHeader header = Parse(path, document.RootElement);
            header.CheckLayout(path, dataBytes);
            return header;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: text that is no Unicode.
            throw SafeTensorsFault.Of(path, $"its header is not valid JSON ({SafeTensorsFault.Short(e.Message.TrimEnd('.'), 200)})", e);
        }
    }

    /// <summary>The header's JSON, in the order of the entries.</summary>
    internal byte[] ToJson()
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject(MetadataName);
                foreach ((string key, string value) in Metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            foreach ((string name, SafeTensorsEntry entry) in Entries)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", entry.DtypeName);
                WriteNumbers(json, "shape", entry.Shape);
                WriteNumbers(json, "data_offsets", [entry.Begin, entry.End]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, long[] numbers)
    {
        json.WriteStartArray(name);
        Array.ForEach(numbers, json.WriteNumberValue);
        json.WriteEndArray();
    }

    private static SafeTensorsHeader Parse(string path, JsonElement root)
    {
        OrderedDictionary<string, SafeTensorsEntry> entries = [];
        Dictionary<string, string> metadata = [];
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (property.Name != MetadataName)
            {
                entries.Add(property.Name, ParseEntry(path, property.Name, property.Value));
            }
            else if (property.Value.ValueKind == JsonValueKind.Object && property.Value.EnumerateObject().All(p => p.Value.ValueKind == JsonValueKind.String))
            {
                metadata = property.Value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
            }
            else
            {
                throw SafeTensorsFault.Of(path, $"its {MetadataName} is not an object of strings");
            }
        }

        return new(entries, metadata);
    }

    private static SafeTensorsEntry ParseEntry(string path, string name, JsonElement value)
    {
        string tensor = SafeTensorsFault.Quoted(name);
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("dtype", out JsonElement dtype) || dtype.ValueKind != JsonValueKind.String
            || Numbers(value, "shape") is not { } shape || Numbers(value, "data_offsets") is not [long begin, long end])
        {
            throw SafeTensorsFault.Of(path, $"its header does not give the dtype, shape and two data_offsets of {tensor}, as whole numbers from 0");
        }

        string dtypeName = dtype.GetString()!;
        (ScalarType scalar, string? known, int bytes) = s_dtypes.FirstOrDefault(d => d.Name == dtypeName);
        ScalarType? here = known is null ? null : scalar;
        int? bits = known is not null ? 8 * bytes : s_others.TryGetValue(dtypeName, out int other) ? other : null;

        // How long an element of a dtype is that came after this library, nobody here can say: its bytes are some tensor's, that is all.
        return (Size(shape, bits ?? 8), end - begin) switch
        {
            (null, _) => throw SafeTensorsFault.Of(path, $"the shape of {tensor} has more elements than can be counted, or ends within a byte"),
            (long size, long range) when range < 0 || (size != range && bits is not null) =>
                throw SafeTensorsFault.Of(path, $"{tensor} needs {size} bytes and its offsets {begin} to {end} give {range}"),
            _ => new(dtypeName, here, shape, begin, end),
        };
    }

    /// <summary>Whole numbers from 0; null for anything else.</summary>
    private static long[]? Numbers(JsonElement entry, string name)
    {
        if (!entry.TryGetProperty(name, out JsonElement array) || array.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        long[] numbers = [.. array.EnumerateArray().Select(n => n.ValueKind == JsonValueKind.Number && n.TryGetInt64(out long number) ? number : -1)];
        return numbers.Any(n => n < 0) ? null : numbers;
    }

    /// <summary>Bytes of a tensor; null where counting them, or the strides of an empty one, overflows, or they are not whole.</summary>
    private static long? Size(long[] shape, int bits)
    {
        try
        {
            UInt128 strides = shape.Aggregate((UInt128)(uint)bits, (product, length) => checked(product * (ulong)Math.Max(length, 1)));
            return strides > long.MaxValue * (UInt128)8 ? null : shape.Contains(0) ? 0 : strides % 8 == 0 ? (long)(strides / 8) : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    /// <summary>Every byte of the data belongs to exactly one tensor.</summary>
    private void CheckLayout(string path, long dataBytes)
    {
        long reached = 0;
        foreach ((string name, SafeTensorsEntry entry) in Entries.OrderBy(e => e.Value.Begin).ThenBy(e => e.Value.End))
        {
            string? fault = entry.End > dataBytes ? $"ends at byte {entry.End} of the data, which has {dataBytes}: the file is cut short"
                : entry.Begin < reached ? "overlaps the tensor before it"
                : entry.Begin > reached ? $"comes after a hole of {entry.Begin - reached} bytes" : null;
            reached = fault is null ? entry.End : throw SafeTensorsFault.Of(path, $"{SafeTensorsFault.Quoted(name)} {fault}");
        }

        if (reached != dataBytes)
        {
            throw SafeTensorsFault.Of(path, $"{dataBytes - reached} bytes after the last tensor belong to none");
        }
    }
}
