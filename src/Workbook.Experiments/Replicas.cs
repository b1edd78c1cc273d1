using System.Runtime.ExceptionServices;

namespace Workbook;

/// <summary>
/// Runs side by side: one managed thread a run, one torch thread each. On small networks two torch threads wait for
/// each other longer than they work, while two runs use two cores. Every run draws from its own streams
/// (<see cref="RandomStream"/>), so the results are those of one run after the other, to the bit.
/// </summary>
public static class Replicas
{
    /// <summary>Runs the body once for each item.</summary>
    /// <param name="items">E.g. seeds, or pairs of seed and sparsity.</param>
    /// <param name="body">One run; it must not use torch's default generator (dropout layers do).</param>
    /// <param name="threads">
    /// How many at once; by default as many as there are processors, and a few more where these would be left over for a last round with processors
    /// idle: three runs on two processors take 1.5 times as long as one, all at once, and twice as long, two at a time.
    /// </param>
    /// <returns>The results in the order of the items.</returns>
    /// <exception cref="WorkbookException">What the first run to fail threw, if that was its kind; other exceptions pass as they are. Runs not yet begun are
    /// left.</exception>
    public static TResult[] Run<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, TResult> body, int? threads = null)
    {
        if (threads < 1)
        {
            throw new WorkbookException($"runs take 1 thread or more, not {threads}");
        }

        TItem[] all = [.. items];
        TResult[] results = new TResult[all.Length];
        ExceptionDispatchInfo? failure = null;
        int next = -1;
        using SingleThread single = new();
        Thread[] workers = [.. Enumerable.Range(0, Math.Min(threads ?? AtOnce(all.Length), all.Length))
            .Select(_ => new Thread(Work) { IsBackground = true })];
        foreach (Thread worker in workers)
        {
            worker.Start();
        }

        foreach (Thread worker in workers)
        {
            worker.Join();
        }

        failure?.Throw();
        return results;

        void Work()
        {
            for (int i = Interlocked.Increment(ref next); i < all.Length && failure is null; i = Interlocked.Increment(ref next))
            {
                try
                {
                    results[i] = body(all[i]);
                }
                catch (Exception e)
                {
                    Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
                }
            }
        }
    }

    private static int AtOnce(int count)
    {
        int leftOver = count % Environment.ProcessorCount;
        return Environment.ProcessorCount + (2 * leftOver <= Environment.ProcessorCount ? leftOver : 0); // with more there is little to gain
    }
}
