using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Translating;
using Workbook.Notebook;

namespace Workbook.Cli.Report;

/// <summary>
/// Charts as a page holds them. What a <see cref="Figure"/> shows is HTML with a script, and anybody can write such: of it the page takes the words
/// and the numbers, and draws them by its own script.
/// </summary>
internal static partial class ChartMarkup
{
    /// <summary>What marks a chart's numbers on a page.</summary>
    public const string Data = "type=\"application/json\" class=\"chart-data\"";

    private const string Begin = "<figure class=\"wb-figure\"", Script = "<script>(function(){\nvar data=", Between = ",layout=", End = ",tries=0;\n";

    private static readonly Lazy<string> s_plotly = new(PlotlyScript.Html);

    /// <summary>Whether a cell showed plotly.js itself, which pages have.</summary>
    public static bool IsPlotly(string html) => html.StartsWith("<script", StringComparison.Ordinal) && html == s_plotly.Value;

    /// <summary>A chart for a page: its words, and its numbers as data.</summary>
    /// <param name="html">What a cell showed.</param>
    /// <param name="edition">The page's language; English, if left out.</param>
    /// <returns>Null if it is no chart of this library's.</returns>
    public static string? Of(string html, Edition? edition = null)
    {
        edition ??= Edition.Original;
        // The first chart of some hosts brings plotly.js along.
        html = html.StartsWith("<script", StringComparison.Ordinal) && html.StartsWith(s_plotly.Value, StringComparison.Ordinal)
            ? html[s_plotly.Value.Length..] : html;
        int script = html.StartsWith(Begin, StringComparison.Ordinal) ? html.IndexOf(Script, StringComparison.Ordinal) : -1;
        if (script < 0 || Read(html[(script + Script.Length)..]) is not { } chart
            || SafeHtml.Clean(html[..script] + "</figure>", out bool whole) is not { } words || !whole)
        {
            return null;
        }

        edition.Chart(chart["data"]);
        edition.Chart(chart["layout"]);

        // "</script>" in a label would end the element.
        string numbers = chart.ToJsonString().Replace("<", "\\u003c", StringComparison.Ordinal);
        return $"{edition.Html(words)}<script {Data}>{numbers}</script>";
    }

    // The two values of the script's first line; of the rest only how high the chart is.
    private static JsonObject? Read(string script)
    {
        try
        {
            byte[] text = Encoding.UTF8.GetBytes(script);
            return Value(ref text, "") is JsonArray data && Value(ref text, Between) is JsonObject layout
                && text.AsSpan().StartsWith(Encoding.UTF8.GetBytes(End))
                ? new JsonObject { ["data"] = data, ["layout"] = layout, ["fit"] = Height(Encoding.UTF8.GetString(text)) }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonNode? Value(ref byte[] text, string before)
    {
        if (!text.AsSpan().StartsWith(Encoding.UTF8.GetBytes(before)))
        {
            return null;
        }

        Utf8JsonReader reader = new(text.AsSpan(before.Length));
        JsonNode? value = JsonNode.Parse(ref reader);
        text = text[(before.Length + (int)reader.BytesConsumed)..];
        return value;
    }

    private static JsonArray? Height(string code) => Fit().Match(code) is { Success: true } fit
        ? [.. fit.Groups.Values.Skip(1).Select(number => (JsonNode?)double.Parse(number.Value, CultureInfo.InvariantCulture))] : null;

    [GeneratedRegex(@"Math\.min\((\d{1,5}),Math\.round\(el\.clientWidth\*(\d{1,5}(?:\.\d{1,9})?)\)\+(\d{1,5})\)")]
    private static partial Regex Fit();
}
