using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Workbook.Notebook;

/// <summary>One statement of the workbook beside what this run measured; docs/claims.md describes its JSON.</summary>
public sealed record Claim : IShowable
{
    /// <summary>The MIME type of a claim's JSON: what a runner gathers.</summary>
    public const string MimeType = "application/vnd.workbook.claim+json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        IgnoreReadOnlyProperties = true,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
        Converters = { new FiniteOrNull() },
    };

    private const string OursKind = "ours";
    private const string PublishedKind = "published";

    /// <summary>Unique, begins with its topic: <c>pruning.</c>, <c>structure.</c>, <c>lottery.</c>, <c>gradient-flow.</c>, <c>saliency.</c> or
    /// <c>transformer.</c></summary>
    public required string Id { get; init; }

    /// <summary><c>ours</c> (decides the runner's exit code) or <c>published</c> (a paper's number beside ours).</summary>
    public required string Kind { get; init; }

    /// <summary>The name of the notebook that makes it, without extension: a runner says so, the notebook does not know.</summary>
    public string Notebook { get; init; } = "";

    /// <summary>What is claimed, one sentence.</summary>
    public required string Statement { get; init; }

    /// <summary>The unit of the numbers.</summary>
    public string Unit { get; init; } = "";

    /// <summary>The mean over seeds (the median for times); NaN where it could not be computed.</summary>
    public required double Measured { get; init; }

    /// <summary>The standard deviation over seeds.</summary>
    public required double Spread { get; init; }

    /// <summary>What was measured with each of the <see cref="Seeds"/>; empty where the claim does not say.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];

    /// <summary>What is expected, in words; for a published number, that number.</summary>
    public required string Expected { get; init; }

    /// <summary>Whether the expectation holds; null where nothing is judged (published, or not measured here).</summary>
    public bool? Holds { get; init; }

    /// <summary>Published: ours minus the paper's; null where ours is not measured in the paper's setting.</summary>
    public double? Difference { get; init; }

    /// <summary>Published: paper and table.</summary>
    public string Source { get; init; } = "";

    /// <summary>Why nothing is judged, for example "not measured here (needs profile paper)".</summary>
    public string Note { get; init; } = "";

    /// <summary>The data set's id.</summary>
    public required string Dataset { get; init; }

    /// <summary>The profile it was measured in.</summary>
    public required string Profile { get; init; }

    /// <summary>The seeds behind the mean.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>Whether it is the workbook's own.</summary>
    public bool IsOurs => Kind == OursKind;

    /// <summary>Whether it is a paper's number beside ours.</summary>
    public bool IsPublished => Kind == PublishedKind;

    /// <summary>Whether this run measured what it is about: of ours, whether it was judged; of a paper's, whether ours was set against it.</summary>
    public bool IsMeasured => IsPublished ? Difference is { } difference && double.IsFinite(difference) : Holds is not null;

    /// <summary>"holds", "does not hold", "published" or "not measured here".</summary>
    public string Verdict => this switch
    {
        { IsMeasured: false } => "not measured here",
        { IsPublished: true } => "published",
        { Holds: true } => "holds",
        _ => "does not hold",
    };

    /// <summary>The claim as JSON, all of its fields; numbers that are not finite become null.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, s_json)!.AsObject();

    /// <summary>Reads what <see cref="ToJson"/> writes; members that a claim does not have are passed over.</summary>
    /// <param name="json">What a notebook showed as a claim, whatever it is.</param>
    /// <param name="notebook">The notebook's name: the claim's from now on.</param>
    /// <param name="claim">The claim, if it is one.</param>
    /// <param name="fault">Else one line that says why it is none.</param>
    public static bool TryRead(JsonNode? json, string notebook, [NotNullWhen(true)] out Claim? claim, [NotNullWhen(false)] out string? fault)
    {
        claim = null;
        string? why = "it is no JSON object";
        try
        {
            if (json is JsonObject members)
            {
                claim = members.Deserialize<Claim>(s_json)! with { Notebook = notebook };
                why = claim.Id.Length == 0 ? "its id is empty" : claim.IsOurs || claim.IsPublished ? null
                    : $"its kind is neither {OursKind} nor {PublishedKind}";
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            why = Why((JsonObject)json!, e);
        }

        fault = why is null ? null : $"{notebook}: what it shows as a claim is none, {why}: {Shortened(json)}";
        claim = why is null ? claim : null;
        return fault is null;
    }

    /// <summary>A card, a line of text, and the JSON that a runner gathers.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = Html(),
        ["text/plain"] = $"[{Verdict}] {Id}: {Statement}: {Numbers()}",
        [MimeType] = JsonSerializer.Serialize(this, s_json),
    };

    /// <summary>The card of <see cref="ToBundle"/>.</summary>
    public string ToHtml() => Html();

    /// <summary>E.g. <c>0.28 ± 0.07 points</c>; the spread only over several seeds; empty where nothing was measured.</summary>
    public string MeasuredText => double.IsFinite(Measured)
        ? $"{Format(Measured)}{(Seeds.Count > 1 && double.IsFinite(Spread) ? $" ± {Format(Spread)}" : "")}{UnitText}" : "";

    /// <summary>Ours minus the paper's, e.g. <c>+1.25 %</c>; empty for a claim of ours and where nothing was measured.</summary>
    public string DifferenceText => IsPublished && IsMeasured ? Format(Difference!.Value, sign: true) + UnitText : "";

    private string UnitText => Unit.Length == 0 ? "" : " " + Unit;

    private string Numbers()
    {
        string measured = MeasuredText is { Length: > 0 } number ? number : "no number";
        string difference = DifferenceText is { Length: > 0 } ours ? $", difference {ours}" : "";
        string note = Note.Length == 0 ? "" : $"; {Note}";
        return $"measured {measured}, {(IsPublished ? "paper" : "expected")} {Expected}{difference}{note}";
    }

    private string Html()
    {
        (string mark, string color) = Verdict switch
        {
            "holds" => ("✓", Card.Good),
            "does not hold" => ("✗", Card.Bad),
            "published" => ("≈", Card.Beside),
            _ => ("–", Card.Quiet),
        };
        string source = Source.Length == 0 ? "" : $" · {WebUtility.HtmlEncode(Source)}";
        return Card.Html("wb-claim", color, $"{mark} {Verdict}", Statement,
            $"{WebUtility.HtmlEncode(Numbers())}{source} · <code>{WebUtility.HtmlEncode(Id)}</code>");
    }

    /// <summary>A number as claims print it: two decimals, small ones with two digits.</summary>
    /// <param name="value">The number.</param>
    /// <param name="sign">Whether a positive one has its sign.</param>
    public static string Format(double value, bool sign = false)
    {
        string number = Math.Abs(value) is >= 0.01 or 0 ? value.ToString("0.00", CultureInfo.InvariantCulture)
            : value.ToString("G2", CultureInfo.InvariantCulture);
        return sign && value > 0 ? "+" + number : number;
    }

    private static string Why(JsonObject members, Exception fault)
    {
        try
        {
            string[] missing = [.. s_json.GetTypeInfo(typeof(Claim)).Properties.Where(p => p.IsRequired && !members.ContainsKey(p.Name)).Select(p => p.Name)];
            string? member = (fault as JsonException)?.Path is { Length: > 2 } path ? path[2..] : null;
            return missing.Length > 0 ? $"it lacks {string.Join(", ", missing)}" : $"its {member ?? "JSON"} can't be read";
        }
        catch (ArgumentException)
        {
            return "it has a member twice";
        }
    }

    private static string Shortened(JsonNode? json)
    {
        const int most = 200;
        try
        {
            string text = json?.ToJsonString() ?? "null"; // escaped, so that it is one line
            return text.Length > most ? text[..most] + "…" : text;
        }
        catch (InvalidOperationException)
        {
            return "it holds half a character";
        }
    }

    /// <summary>JSON has no NaN: null stands for it.</summary>
    private sealed class FiniteOrNull : JsonConverter<double>
    {
        public override bool HandleNull => true;

        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
            {
                writer.WriteNumberValue(value);
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }
}

