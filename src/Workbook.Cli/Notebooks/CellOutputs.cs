using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Notebooks;

/// <summary>Turns what a kernel reports into the outputs of a notebook's cells.</summary>
internal sealed class CellOutputs
{
    private const int MostTextPerCell = 1_000_000;
    private const int MostDisplayedPerCell = 32_000_000;
    private const int MostOutputsPerCell = 10_000;
    private const int MostPerNotebook = 100_000_000;
    private const int OutputItself = 1000; // what one takes beside its text

    private readonly Dictionary<string, (JsonObject Output, long Size)> _displays = [];
    private readonly Dictionary<int, JsonArray> _cells = [];
    private readonly Lock _lock = new();
    private JsonArray _outputs = [];
    private StreamText? _stream;
    private JsonObject? _streamOutput;
    private int _textLeft;
    private long _displayedLeft;
    private long _notebookLeft = MostPerNotebook;
    private bool _isFull;
    private int _executionCount;
    private bool _complete;

    /// <summary>From now on outputs go to this cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="executionCount">Its place among those that ran.</param>
    /// <param name="number">Its place among the code cells, by which errors name it.</param>
    public void Begin(JsonObject cell, int executionCount, int number)
    {
        lock (_lock)
        {
            EndStream();
            _outputs = _cells[number] = cell["outputs"]!.AsArray();
            cell["execution_count"] = executionCount;
            _executionCount = executionCount;
            _textLeft = MostTextPerCell;
            _displayedLeft = MostDisplayedPerCell;
            _isFull = false;
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
                    AddStream(message.Stream ?? "stdout", message.Text ?? "");
                    break;
                case KernelEventKind.Display:
                    AddShown(message, new() { ["data"] = null, ["metadata"] = new JsonObject(), ["output_type"] = "display_data" });
                    break;
                case KernelEventKind.Update:
                    Update(message);
                    break;
                case KernelEventKind.Result:
                    AddShown(message, new()
                    {
                        ["data"] = null,
                        ["execution_count"] = _executionCount,
                        ["metadata"] = new JsonObject(),
                        ["output_type"] = "execute_result",
                    });
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
            return JsonNode.Parse(HalfCharacters.Replaced(text), documentOptions: JupyterJson.Displayed);
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
            if (Math.Min(_textLeft, _notebookLeft) <= 0)
            {
                return;
            }

            _streamOutput = new JsonObject { ["name"] = stream, ["output_type"] = "stream" };
            _outputs.Add(_streamOutput);
            _stream = new StreamText((int)Math.Min(_textLeft, _notebookLeft));
        }

        _stream.Append(text);
    }

    private void EndStream()
    {
        if (_stream is not null)
        {
            // Each output costs something even if its text is short: a loop may change between the streams without end.
            _textLeft -= _stream.Length + 100;
            _notebookLeft -= _stream.Length + OutputItself;
            _streamOutput!["text"] = MultilineText.ToLines(_stream.ToString());
            _stream = null;
        }
    }

    private void AddShown(KernelEvent message, JsonObject output)
    {
        long size = Size(message);
        if (!HasRoom(size))
        {
            return;
        }

        EndStream();
        output["data"] = ToData(message.Bundle ?? []);
        _outputs.Add(output);
        if (message.Id is { } id)
        {
            _displays[id] = (output, size);
        }
    }

    private void Update(KernelEvent message)
    {
        if (message.Id is { } id && _displays.TryGetValue(id, out (JsonObject Output, long Size) shown) && HasRoom(Size(message) - shown.Size))
        {
            shown.Output["data"] = ToData(message.Bundle ?? []);
            _displays[id] = (shown.Output, Size(message));
        }
    }

    private static long Size(KernelEvent message) => OutputItself + (message.Bundle ?? []).Sum(entry => (long)entry.Key.Length + entry.Value.Length);

    private bool HasRoom(long size)
    {
        if (size <= Math.Min(_displayedLeft, _notebookLeft) && (size <= 0 || _outputs.Count < MostOutputsPerCell))
        {
            _displayedLeft -= size;
            _notebookLeft -= size;
            return true;
        }

        if (!_isFull)
        {
            _isFull = true;
            AddStream("stderr", "[this cell displays too much: further displays are left out]\n");
        }

        return false;
    }

    private void AddError(CellError error)
    {
        EndStream();
        _notebookLeft -= (3L * error.Message.Length) + OutputItself;
        List<string> traceback = [];
        if (error.Line > 0)
        {
            traceback.Add($"line {error.Line}: {error.SourceLine}");
        }

        traceback.Add($"{error.Name}: {error.Message}");
        traceback.AddRange((error.Frames ?? []).Select(frame => "   " + frame));
        _cells.GetValueOrDefault(error.Cell, _outputs).Add(new JsonObject
        {
            ["ename"] = error.Name,
            ["evalue"] = error.Message,
            ["output_type"] = "error",
            ["traceback"] = new JsonArray([.. traceback.Select(line => (JsonNode)line)]),
        });
    }
}
