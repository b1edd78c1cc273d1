using System.Text.Json.Serialization;

namespace Workbook.Cli.Kernel;

/// <summary>One code cell to run, a line of JSON from the runner to the kernel process.</summary>
/// <param name="Number">The cell's place among the notebook's code cells, from 1.</param>
/// <param name="Language">The name that .NET Interactive has for its language.</param>
internal sealed record CellRequest(int Number, string Code, string Language = "csharp")
{
    /// <summary>After the last cell: wait for what the notebook has left running, then end.</summary>
    [JsonIgnore]
    public bool IsEnd => Number == 0;

    public static CellRequest End { get; } = new(0, "");
}

/// <summary>What happened in the kernel process, a line of JSON to the runner. Which members are set depends on the kind.</summary>
internal sealed record KernelEvent(KernelEventKind Kind)
{
    /// <summary>"stdout" or "stderr" of a <see cref="KernelEventKind.Stream"/>.</summary>
    public string? Stream { get; init; }

    public string? Text { get; init; }

    /// <summary>The id of a display or update.</summary>
    public string? Id { get; init; }

    /// <summary>MIME type → text of a display, update or result.</summary>
    public Dictionary<string, string>? Bundle { get; init; }

    public CellError? Error { get; init; }
}

internal enum KernelEventKind
{
    Stream,
    Display,
    Update,
    Result,
    Error,

    /// <summary>The cell ended, with or without an error before.</summary>
    Finished,

    /// <summary>The process is about to end in an orderly way, such as by <c>Environment.Exit</c>.</summary>
    Exiting,

    /// <summary>The process ends as it was asked to; threads of the notebook that go on end with it.</summary>
    Ended,
}

/// <summary>Why a cell failed.</summary>
/// <param name="Name">The exception's type, or what else happened.</param>
/// <param name="Message">Its message; one line where the exception's is.</param>
/// <param name="Line">The line in the cell, from 1; 0 where there is none.</param>
/// <param name="SourceLine">That line's text, trimmed.</param>
/// <param name="Frames">Stack frames in the notebook's code and the libraries it calls, innermost first.</param>
/// <param name="Details">The whole stack trace, for those who ask for it.</param>
/// <param name="Cell">The cell, by its number; 0 for the one that runs.</param>
internal sealed record CellError(string Name, string Message, int Line = 0, string SourceLine = "", IReadOnlyList<string>? Frames = null,
    string? Details = null, int Cell = 0);

[JsonSerializable(typeof(CellRequest))]
[JsonSerializable(typeof(KernelEvent))]
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class KernelJson : JsonSerializerContext;
