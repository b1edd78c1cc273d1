using System.Globalization;
using System.Text.Json.Nodes;

namespace Workbook.Notebook;

/// <summary>A number under a name: what a sweep gathers from each run of a notebook, beside its claims.</summary>
/// <param name="Name">For example "test accuracy".</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit.</param>
public sealed record Recorded(string Name, double Value, string Unit = "") : IShowable
{
    /// <summary>The MIME type of its JSON: what a runner gathers.</summary>
    public const string MimeType = "application/vnd.workbook.value+json";

    /// <summary>A line of text, and the JSON; infinite numbers are the texts Infinity and -Infinity there, what is no number is null.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/plain"] = string.Create(CultureInfo.InvariantCulture, $"{Name}: {Value:G6}{(Unit.Length == 0 ? "" : " " + Unit)}"),
        [MimeType] = new JsonObject { ["name"] = Name, ["value"] = ToJson(Value), ["unit"] = Unit }.ToJsonString(),
    };

    /// <summary>Reads the JSON of <see cref="ToBundle"/>; null for whatever else a notebook shows under its type.</summary>
    internal static Recorded? Read(JsonNode? json) =>
        json is JsonObject members && members["name"] is JsonValue name && name.TryGetValue(out string? text)
            ? new(text, ToNumber(members["value"]),
                members["unit"] is JsonValue unit && unit.TryGetValue(out string? words) ? words : "")
            : null;

    private static JsonValue? ToJson(double value) => double.IsFinite(value) ? JsonValue.Create(value)
        : double.IsNaN(value) ? null : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));

    private static double ToNumber(JsonNode? json) => json is not JsonValue value ? double.NaN
        : value.TryGetValue(out double number) ? number
        : value.TryGetValue(out string? text) && double.TryParse(text, CultureInfo.InvariantCulture, out double named) ? named : double.NaN;
}
