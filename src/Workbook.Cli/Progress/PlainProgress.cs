using System.Collections.Concurrent;
using System.Diagnostics;
using Workbook.Cli.Outcome;

namespace Workbook.Cli.Progress;

/// <summary>A line for each cell, for logs and pipes.</summary>
internal sealed class PlainProgress : IRunProgress
{
    private readonly ConcurrentDictionary<string, long> _started = new();

    public void NotebookStarted(string notebook, int cells) => _started[notebook] = Stopwatch.GetTimestamp();

    public void CellStarted(string notebook, int cell, int cells) =>
        Console.Out.WriteLine($"{notebook}  cell {cell}/{cells}  {Stopwatch.GetElapsedTime(_started[notebook]).TotalSeconds:0.0} s");

    public void NotebookFinished(NotebookResult result)
    {
        // The summary says it.
    }
}
