using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Notebooks;

/// <summary>Turns what a kernel reports into the outputs of a notebook's cells.</summary>
internal sealed class CellOutputs
{
    private const int MostTextPerCell = 1_000_000;
    private const int MostDisplayedPerCell = 64_000_000;

    private readonly Dictionary<string, JsonObject> _displays = [];
    private readonly Lock _lock = new();
    private JsonArray _outputs = [];
    private StreamText? _stream;
    private JsonObject? _streamOutput;
    private int _textLeft;
    private long _displayedLeft;
    private int _executionCount;
    private bool _complete;

    /// <summary>From now on outputs go to this cell.</summary>
    public void Begin(JsonObject cell, int executionCount)
    {
        lock (_lock)
        {
            EndStream();
            _outputs = cell["outputs"]!.AsArray();
            cell["execution_count"] = executionCount;
            _executionCount = executionCount;
            _textLeft = MostTextPerCell;
            _displayedLeft = MostDisplayedPerCell;
        }
    }

    /// <summary>Text that came by itself, not as an event: native code's.</summary>
    public void AddText(string stream, string text)
    {
        lock (_lock)
        {
            if (!_complete)
            {
                AddStream(stream, text);
            }
        }
    }

    public void Add(KernelEvent message)
    {
        lock (_lock)
        {
            if (_complete)
            {
                return;
            }

            switch (message.Kind)
            {
                case KernelEventKind.Stream:
                    AddStream(message.Stream!, message.Text!);
                    break;
                case KernelEventKind.Display:
                    JsonObject display = new() { ["data"] = ToData(message.Bundle!), ["metadata"] = new JsonObject(), ["output_type"] = "display_data" };
                    if (AddShown(display, message.Bundle!))
                    {
                        _displays[message.Id!] = display;
                    }

                    break;
                case KernelEventKind.Update:
                    if (_displays.TryGetValue(message.Id!, out JsonObject? shown))
                    {
                        shown["data"] = ToData(message.Bundle!);
                    }

                    break;
                case KernelEventKind.Result:
                    AddShown(
                        new()
                        {
                            ["data"] = ToData(message.Bundle!),
                            ["execution_count"] = _executionCount,
                            ["metadata"] = new JsonObject(),
                            ["output_type"] = "execute_result"
                        },
                        message.Bundle!);
                    break;
                case KernelEventKind.Error:
                    AddError(message.Error!);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Writes text that is still being gathered into the document, which is changed no more: programs that a cell left behind may go on
    /// writing.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            EndStream();
            _complete = true;
        }
    }

    private static JsonObject ToData(Dictionary<string, string> bundle)
    {
        JsonObject data = [];
        foreach ((string type, string text) in bundle)
        {
            data[type] = type.EndsWith("json", StringComparison.Ordinal) ? ParseOrText(text) : MultilineText.ToLines(text);
        }

        return data;
    }

    // A member that is there twice would be refused where the executed notebook is read again.
    /// <summary>JSON as it is meant; what is none, as the text that it is.</summary>
    public static JsonNode? ParseOrText(string text)
    {
        try
        {
            return JsonNode.Parse(HalfCharacters.Replaced(text), documentOptions: new() { AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private void AddStream(string stream, string text)
    {
        if (_stream is null || _streamOutput!["name"]!.GetValue<string>() != stream)
        {
            EndStream();
            if (_textLeft <= 0)
            {
                return;
            }

            _streamOutput = new JsonObject { ["name"] = stream, ["output_type"] = "stream" };
            _outputs.Add(_streamOutput);
            _stream = new StreamText(_textLeft);
        }

        _stream.Append(text);
    }

    private void EndStream()
    {
        if (_stream is not null)
        {
            // Each output costs something even if its text is short: a loop may change between the streams without end.
            _textLeft -= _stream.Length + 100;
            _streamOutput!["text"] = MultilineText.ToLines(_stream.ToString());
            _stream = null;
        }
    }

    private bool AddShown(JsonObject output, Dictionary<string, string> bundle)
    {
        bool hadRoom = _displayedLeft > 0;
        _displayedLeft -= bundle.Sum(entry => (long)entry.Value.Length) + 100;
        if (_displayedLeft > 0)
        {
            EndStream();
            _outputs.Add(output);
            return true;
        }

        if (hadRoom)
        {
            AddStream("stderr", "[this cell displays too much: further displays are left out]\n");
        }

        return false;
    }

    private void AddError(CellError error)
    {
        EndStream();
        List<string> traceback = [];
        if (error.Line > 0)
        {
            traceback.Add($"line {error.Line}: {error.SourceLine}");
        }

        traceback.Add($"{error.Name}: {error.Message}");
        traceback.AddRange((error.Frames ?? []).Select(frame => "   " + frame));
        _outputs.Add(new JsonObject
        {
            ["ename"] = error.Name,
            ["evalue"] = error.Message,
            ["output_type"] = "error",
            ["traceback"] = new JsonArray([.. traceback.Select(line => (JsonNode)line)]),
        });
    }
}
