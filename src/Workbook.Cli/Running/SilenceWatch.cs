using System.Diagnostics;

namespace Workbook.Cli.Running;

/// <summary>Notices that a notebook has come to a stop: for so long it has shown nothing, and its processes have used next to no processor time.</summary>
/// <param name="limit">For how long.</param>
/// <param name="processorSeconds">What its processes have used so far.</param>
internal sealed class SilenceWatch(TimeSpan limit, Func<double> processorSeconds)
{
    private const double LeastShare = 0.01; // of one processor: who waits uses less

    private long _heard;

    /// <summary>Whether it waits for another notebook: that is no silence.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>It has shown something.</summary>
    public void Hear() => Interlocked.Increment(ref _heard);

    /// <summary>Watches until the notebook has been silent for as long as it may.</summary>
    /// <exception cref="OperationCanceledException">Nobody wants to know any more.</exception>
    public async Task WatchAsync(CancellationToken cancellation)
    {
        TimeSpan interval = TimeSpan.FromSeconds(Math.Clamp(limit.TotalSeconds / 20, 0.05, 10));
        TimeSpan silent = TimeSpan.Zero;
        (long heard, double used) = (Interlocked.Read(ref _heard), processorSeconds());
        while (silent < limit)
        {
            Stopwatch watch = Stopwatch.StartNew();
            await Task.Delay(interval, cancellation).ConfigureAwait(false);
            TimeSpan passed = watch.Elapsed < 2 * interval ? watch.Elapsed : interval; // a machine that slept, or a runner that was stopped, is no silence
            (long heardNow, double usedNow) = (Interlocked.Read(ref _heard), processorSeconds());
            silent += passed;
            if (IsWaiting || heardNow != heard || usedNow - used > LeastShare * silent.TotalSeconds + 0.05)
            {
                (heard, used, silent) = (heardNow, usedNow, TimeSpan.Zero);
            }
        }
    }
}
