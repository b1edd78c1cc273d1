using System.Collections.Concurrent;
using System.Globalization;

namespace Workbook.Cli.Sweeping;

/// <summary>Runs points in child processes of this one: as many at once as there are cores, and memory for them.</summary>
/// <param name="jobs">How many at once; null for as many as the machine can take.</param>
internal sealed class LocalEngine(Sweep sweep, int? jobs, SweepProgress progress) : ISweepEngine
{
    private const long Unknown = 2_000_000_000; // what a point is taken to need before one has shown it

    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(200);

    private readonly int _jobs = jobs ?? Environment.ProcessorCount;
    private readonly long _available = MachineMemory.Available();
    private readonly ConcurrentDictionary<string, string> _undone = new();
    private readonly Lock _lock = new();
    private long _largest;
    private int _running;
    private volatile WorkbookException? _fault;

    public string Describe() => _jobs == 1 ? "one at a time"
        : string.Create(CultureInfo.InvariantCulture,
            $"up to {Allowed()} at a time ({Environment.ProcessorCount} cores, {_available / 1e9:0.#} GB of memory free)");

    public async Task<IReadOnlyDictionary<string, string>> RunAsync(IReadOnlyList<SweepPoint> points, CancellationToken cancellation)
    {
        ConcurrentQueue<SweepPoint> queue = new(points);
        _largest = sweep.Points.Where(sweep.Store.Has).Take(100).Max(point => sweep.Store.Find(point)?.PeakMemory) ?? 0;
        int together = Math.Min(Allowed(), points.Count);
        PointRun run = new(sweep, sweep.Definition.Memory ?? (_available / together), Math.Max(1, Environment.ProcessorCount / together));
        await Task.WhenAll(Enumerable.Range(0, Math.Min(_jobs, points.Count)).Select(_ => Task.Run(WorkAsync, CancellationToken.None))).ConfigureAwait(false);
        return _fault is { } fault ? throw fault : _undone;

        async Task WorkAsync()
        {
            while (!cancellation.IsCancellationRequested && _fault is null && queue.TryDequeue(out SweepPoint? point))
            {
                try
                {
                    await RoomAsync(cancellation).ConfigureAwait(false);
                    if (await AttemptAsync(run, point, cancellation).ConfigureAwait(false) == Attempt.Elsewhere)
                    {
                        queue.Enqueue(point);
                        await Task.Delay(s_patience, cancellation).ConfigureAwait(false);
                    }
                }
                catch (OperationCanceledException)
                {
                    return;
                }
                catch (WorkbookException e)
                {
                    // The points that run now may still find room for what they have measured; no other one begins.
                    _fault = e;
                }
            }
        }
    }

    private async Task<Attempt> AttemptAsync(PointRun run, SweepPoint point, CancellationToken cancellation)
    {
        try
        {
            progress.Started(point);
            (Attempt attempt, string? why, PointOutcome? outcome) = await run.TryAsync(point, cancellation).ConfigureAwait(false);
            if (attempt == Attempt.Undone)
            {
                _undone[point.Hash] = why!;
            }

            lock (_lock)
            {
                _largest = Math.Max(_largest, outcome?.PeakMemory ?? 0);
            }

            progress.Ended(point, attempt, why, outcome?.Seconds);
            return attempt;
        }
        finally
        {
            lock (_lock)
            {
                _running--;
            }
        }
    }

    private async Task RoomAsync(CancellationToken cancellation)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_running < Allowed())
                {
                    _running++;
                    return;
                }
            }

            await Task.Delay(s_patience, cancellation).ConfigureAwait(false);
        }
    }

    private int Allowed()
    {
        long each = sweep.Definition.Memory ?? (_largest > 0 ? _largest + (_largest / 8) : Unknown);
        return jobs ?? (int)Math.Clamp(_available / Math.Max(each, 1), 1, _jobs);
    }
}
