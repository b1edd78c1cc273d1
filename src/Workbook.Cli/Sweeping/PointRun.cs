using System.Diagnostics;
using System.Globalization;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Progress;
using Workbook.Cli.Running;
using NotebookResult = Workbook.Cli.Outcome.NotebookResult;

namespace Workbook.Cli.Sweeping;

/// <summary>How far an attempt at a point came.</summary>
internal enum Attempt
{
    /// <summary>It is finished: by this attempt, or it was already.</summary>
    Finished,

    /// <summary>The notebook failed, and that is kept.</summary>
    Failed,

    /// <summary>Somebody else is at it.</summary>
    Elsewhere,

    /// <summary>It was interrupted, or its process was killed: nothing is kept.</summary>
    Undone,
}

/// <summary>Runs points, one at a time or several.</summary>
/// <param name="memory">The most bytes that a point may have.</param>
/// <param name="processors">How many processors a point takes itself to have.</param>
internal sealed class PointRun(Sweep sweep, long? memory, int? processors)
{
    /// <summary>Runs a point that is neither finished nor failed, and keeps what becomes of it.</summary>
    /// <returns>How far it came, and for a failed or undone one why; an outcome where this attempt made one.</returns>
    /// <exception cref="WorkbookException">The store can't be written; the point is not done.</exception>
    public async Task<(Attempt Attempt, string? Why, PointOutcome? Outcome)> TryAsync(SweepPoint point, CancellationToken cancellation)
    {
        PointStore store = sweep.Store;
        using FileLock? held = store.TryTake(point);
        if (held is null)
        {
            return (Attempt.Elsewhere, null, null);
        }

        if (store.Find(point) is not null)
        {
            return (Attempt.Finished, null, null);
        }

        if (store.FindFailure(point) is { } failure)
        {
            return (Attempt.Failed, failure.Error, null);
        }

        string working = store.Begin(point);
        try
        {
            NotebookDocument notebook = sweep.NotebookOf(point);
            NotebookRun run = new(notebook, sweep.Options(working, memory, processors), new NoProgress());
            NotebookResult? result = null;
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                result = await run.RunAsync(cancellation).ConfigureAwait(false);
            }
            catch (WorkbookException e)
            {
                store.Writing(() => throw e); // the executed notebook could not be written
            }
            catch (System.ComponentModel.Win32Exception e)
            {
                return (Attempt.Undone, $"its process could not be started: {e.Message}", null);
            }

            if (result!.Error is not null && (run.WasKilled || cancellation.IsCancellationRequested))
            {
                return (Attempt.Undone, cancellation.IsCancellationRequested ? "interrupted" : result.Error, null);
            }

            PointOutcome outcome = new(point, DateTimeOffset.UtcNow, watch.Elapsed.TotalSeconds, run.Usage.Seconds, run.Usage.PeakMemory,
                MeasuredValue.Find(notebook), Why(run, result));
            store.Keep(working, outcome);
            return (outcome.Error is null ? Attempt.Finished : Attempt.Failed, outcome.Error, outcome);
        }
        finally
        {
            StoreFolder.DeleteQuietly(working);
        }
    }

    private string? Why(NotebookRun run, NotebookResult result) => result.Error is { } error && run.WantsMemory
        ? string.Create(CultureInfo.InvariantCulture,
            $"needs more memory than {(memory is { } most ? $"the {most / 1e9:0.##} GB that a point may have (--memory)" : "there is")}: {error}")
        : result.Error;

    private sealed class NoProgress : IRunProgress
    {
        public void NotebookStarted(string notebook, int cells)
        {
            // A sweep tells how its points go, not their cells.
        }

        public void CellStarted(string notebook, int cell, int cells)
        {
        }

        public void NotebookFinished(NotebookResult result)
        {
        }
    }
}
