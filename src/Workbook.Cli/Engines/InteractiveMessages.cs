using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Engines;

/// <summary>Reads the kernel's events as those of this runner.</summary>
internal sealed partial class InteractiveMessages
{
    private const string Begins = "{\"event\":";
    private const string Html = "text/html";
    private const string Plain = "text/plain";
    private const int MostTries = 8;

    private readonly List<JsonNode> _diagnostics = [];
    private readonly Dictionary<string, string> _ids = [];
    private readonly List<string> _shownHere = [];
    private string _languages = "";
    private string _token = "";
    private bool _isOwn;
    private CellRequest? _cell;

    /// <summary>The event in a line, and where it begins; native code may have printed before it. Null where there is none.</summary>
    public static (JsonObject? Message, int At) Find(string line)
    {
        int at = -1;
        for (int tries = 0; tries < MostTries && (at = line.IndexOf(Begins, at + 1, StringComparison.Ordinal)) >= 0; tries++)
        {
            if (Parse(line[at..]) is { } message)
            {
                return (message, at);
            }
        }

        return (null, 0);
    }

    /// <summary>For example <c>DisplayedValueProduced</c>.</summary>
    public static string TypeOf(JsonObject message) => Text(message["eventType"]);

    /// <summary>What an event is whose end alone is there, where it belongs to a command; null where it does not.</summary>
    public static string? TypeAtEnd(string end, string token) => EndOfEvent().Match(end) is { Success: true } found
        && end.AsSpan(found.Index).Contains($"\"token\":\"{token}\"", StringComparison.Ordinal) ? found.Groups[1].Value : null;

    /// <summary>From now on a command's events come.</summary>
    /// <param name="token">What its events name.</param>
    /// <param name="isOwn">Whether the command is the runner's: what becomes of it is nobody's error.</param>
    /// <param name="cell">The cell that it is.</param>
    public void Begin(string token, bool isOwn, CellRequest? cell)
    {
        lock (_diagnostics)
        {
            (_token, _isOwn, _cell) = (token, isOwn, cell);
            _diagnostics.Clear();
            _shownHere.Clear();
        }
    }

    /// <summary>Takes from the kernel's first event which languages it has.</summary>
    public void Learn(JsonObject ready) =>
        _languages = string.Join(", ", (ready["event"]?["kernelInfos"] as JsonArray ?? []).Select(kernel => Text(kernel?["localName"]))
            .Where(name => name.Length > 0 && !name.StartsWith('.')));

    /// <summary>Whether this event ends a command.</summary>
    public static bool IsEnd(JsonObject message, string token) => TypeOf(message) is "CommandSucceeded" or "CommandFailed" && IsOf(message, token);

    /// <summary>The runner's event; null for what no notebook shows.</summary>
    public KernelEvent? Translate(JsonObject message)
    {
        lock (_diagnostics)
        {
            JsonNode? content = message["event"];
            switch (TypeOf(message))
            {
                case "StandardOutputValueProduced":
                    return Stream("stdout", content);
                case "StandardErrorValueProduced":
                    return Stream("stderr", content);
                case "ErrorProduced":
                    return new(KernelEventKind.Stream) { Stream = "stderr", Text = Text(content?["message"]) + "\n" };
                case "DisplayedValueProduced":
                    Dictionary<string, string> shown = Bundle(content);
                    return IsLoading(shown) ? null : Shown(Id(content), shown);
                case "DisplayedValueUpdated":
                    return Updated(Id(content), Bundle(content));
                case "ReturnValueProduced":
                    return new(KernelEventKind.Result) { Bundle = Bundle(content) };
                case "DiagnosticsProduced" when !_isOwn:
                    _diagnostics.AddRange((content?["diagnostics"] as JsonArray ?? []).OfType<JsonNode>().Where(d => Text(d["severity"]) == "error"));
                    return null;
                case "CommandFailed" when !_isOwn && _cell is not null && IsOf(message, _token):
                    return new(KernelEventKind.Error) { Error = InteractiveErrors.Describe(Text(content?["message"]), _diagnostics, _cell, _languages) };
                default:
                    return null;
            }
        }
    }

    private static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private KernelEvent Shown(string id, Dictionary<string, string> bundle)
    {
        _ids[id] = id;
        _shownHere.Add(id);
        return new(KernelEventKind.Display) { Id = id, Bundle = bundle };
    }

    // What the kernel's own display() returns updates under another id than it was shown with: where the cell has shown one thing, that is meant.
    private KernelEvent Updated(string id, Dictionary<string, string> bundle)
    {
        if (!_ids.TryGetValue(id, out string? shown))
        {
            if (_shownHere is not [var only])
            {
                return Shown(id, bundle);
            }

            _ids[id] = shown = only;
        }

        return new(KernelEventKind.Update) { Id = shown, Bundle = bundle };
    }

    private static KernelEvent Stream(string name, JsonNode? content) =>
        new(KernelEventKind.Stream) { Stream = name, Text = Bundle(content).GetValueOrDefault(Plain, "") };

    private static string Id(JsonNode? content) => Text(content?["valueId"]) is { Length: > 0 } id ? id : Guid.NewGuid().ToString("N");

    private static Dictionary<string, string> Bundle(JsonNode? content)
    {
        Dictionary<string, string> bundle = [];
        foreach (JsonNode value in (content?["formattedValues"] as JsonArray ?? []).OfType<JsonNode>())
        {
            bundle[Text(value["mimeType"])] = Text(value["value"]);
        }

        bundle = OutputLimits.Cut(bundle);

        // A number or the like comes as HTML with twenty lines of style: it is the text in it. Other HTML has its words beside it.
        bundle.TryGetValue(Html, out string? html);
        if (bundle.Count == 1 && html is not null && PlainText().Match(html) is { Success: true } text)
        {
            return new() { [Plain] = WebUtility.HtmlDecode(text.Groups[1].Value) };
        }

        if (html is not null)
        {
            bundle.TryAdd(Plain, WebUtility.HtmlDecode(Tags().Replace(html, " ")).Trim());
        }

        return bundle;
    }

    // Where extensions lie on this machine, which the kernel tells with each, is nothing that a notebook shows.
    private static bool IsLoading(Dictionary<string, string> shown) =>
        shown.Count == 1 && shown.TryGetValue(Plain, out string? text) && text.StartsWith("Loading extension", StringComparison.Ordinal);

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    // A cell with magics is several commands: theirs are the cell's with a number behind.
    private static bool IsOf(JsonObject message, string token) => Text(message["command"]?["token"]) == token;

    [GeneratedRegex("""(?<!\\)"eventType":"(\w+)",""", RegexOptions.RightToLeft)]
    private static partial Regex EndOfEvent();

    [GeneratedRegex("""<style>.*?</style>|<script.*?</script>|<[^>]*>|\s+""", RegexOptions.Singleline)]
    private static partial Regex Tags();

    [GeneratedRegex("""^<div class="dni-plaintext"><pre>(.*?)</pre></div>(?:<style>.*</style>)?$""", RegexOptions.Singleline)]
    private static partial Regex PlainText();
}
