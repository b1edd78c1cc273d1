using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workbook.Notebook;

/// <summary>One statement of the workbook beside what this run measured.</summary>
[TypeFormatterSource(typeof(BundleFormatterSource), "text/html", "text/plain", MimeType)]
public sealed record Claim : IShowable
{
    /// <summary>The MIME type of a claim's JSON: what a runner gathers.</summary>
    public const string MimeType = "application/vnd.workbook.claim+json";

    /// <summary>Unique, begins with its topic: <c>pruning.</c>, <c>structure.</c>, <c>lottery.</c> or <c>gradient-flow.</c></summary>
    public required string Id { get; init; }

    /// <summary><c>ours</c> (decides the runner's exit code) or <c>published</c> (a paper's number beside ours).</summary>
    public required string Kind { get; init; }

    /// <summary>What is claimed, one sentence.</summary>
    public required string Statement { get; init; }

    /// <summary>The unit of the numbers.</summary>
    public string Unit { get; init; } = "";

    /// <summary>The mean over seeds (the median for times); NaN where it could not be computed.</summary>
    public required double Measured { get; init; }

    /// <summary>The standard deviation over seeds.</summary>
    public required double Spread { get; init; }

    /// <summary>What is expected, in words; for a published number, that number.</summary>
    public required string Expected { get; init; }

    /// <summary>Whether the expectation holds; null where nothing is judged (published, or not measured here).</summary>
    public bool? Holds { get; init; }

    /// <summary>Why nothing is judged, for example "not measured here (needs profile paper)".</summary>
    public string Note { get; init; } = "";

    /// <summary>Published: ours minus the paper's.</summary>
    public double? Difference { get; init; }

    /// <summary>Published: paper and table.</summary>
    public string Source { get; init; } = "";

    /// <summary>The data set's id.</summary>
    public required string Dataset { get; init; }

    /// <summary>The profile it was measured in.</summary>
    public required string Profile { get; init; }

    /// <summary>The seeds behind the mean.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>"holds", "does not hold", "published" or "not measured here".</summary>
    public string Verdict => this switch
    {
        { Kind: "published", Difference: not null } => "published",
        { Holds: true } => "holds",
        { Holds: false } => "does not hold",
        _ => "not measured here",
    };

    /// <summary>The claim as JSON; numbers that are not finite become null.</summary>
    public JsonObject ToJson() => new()
    {
        ["id"] = Id,
        ["kind"] = Kind,
        ["statement"] = Statement,
        ["measured"] = Finite(Measured),
        ["spread"] = Finite(Spread),
        ["expected"] = Expected,
        ["holds"] = Holds,
        ["dataset"] = Dataset,
        ["profile"] = Profile,
        ["seeds"] = new JsonArray([.. Seeds.Select(seed => (JsonNode)seed)]),
        ["unit"] = Unit,
        ["difference"] = Difference is double difference ? Finite(difference) : null,
        ["source"] = Source,
        ["note"] = Note,
    };

    /// <summary>A card, a line of text, and the JSON that a runner gathers.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = Html(),
        ["text/plain"] = $"[{Verdict}] {Id}: {Statement}: {Numbers()}",
        [MimeType] = ToJson().ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }),
    };

    /// <summary>The card of <see cref="ToBundle"/>.</summary>
    public string ToHtml() => Html();

    private string Numbers()
    {
        string unit = Unit.Length == 0 ? "" : " " + Unit;
        string measured = double.IsNaN(Measured) ? "no number" : $"{Format(Measured)}{(Seeds.Count > 1 ? $" ± {Format(Spread)}" : "")}{unit}";
        string difference = Difference is double d ? $", difference {Format(d, sign: true)}{unit}" : "";
        string expected = Kind == "published" ? $"paper {Expected}{difference}" : $"expected {Expected}";
        string note = Note.Length == 0 ? "" : $"; {Note}";
        return $"measured {measured}, {expected}{note}";
    }

    private string Html()
    {
        (string mark, string color) = Verdict switch
        {
            "holds" => ("✓", "#009E73"),
            "does not hold" => ("✗", "#D55E00"),
            "published" => ("≈", "#0072B2"),
            _ => ("–", "#808080"),
        };
        string source = Source.Length == 0 ? "" : $" · {WebUtility.HtmlEncode(Source)}";
        return $"""
            <div class="wb-claim" style="border-left:4px solid {color};padding:.2em .8em;margin:.5em 0;max-width:60em">
            <div><strong style="color:{color}">{mark} {Verdict}</strong> {WebUtility.HtmlEncode(Statement)}</div>
            <div style="font-size:13px;opacity:.85">{WebUtility.HtmlEncode(Numbers())}{source} · <code>{WebUtility.HtmlEncode(Id)}</code></div></div>
            """;
    }

    private static JsonValue? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    /// <summary>A number as claims print it: two decimals, small ones with two digits.</summary>
    /// <param name="value">The number.</param>
    /// <param name="sign">Whether a positive one has its sign.</param>
    public static string Format(double value, bool sign = false)
    {
        string number = Math.Abs(value) is >= 0.01 or 0 ? value.ToString("0.00", CultureInfo.InvariantCulture) : value.ToString("G2", CultureInfo.InvariantCulture);
        return sign && value > 0 ? "+" + number : number;
    }
}
