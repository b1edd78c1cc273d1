namespace Workbook;

/// <summary>
/// Numbers that need no second measurement where somebody keeps them, as a notebook's run store does: scores, paths, planes, Hessians. Never times.
/// </summary>
internal static class Kept
{
    /// <summary>(what, all that it depends on, measure) → the numbers; null where nobody keeps any.</summary>
    private static Func<string, IReadOnlyList<object?>, Func<double[]>, double[]>? s_keeper;

    [ThreadStatic]
    private static int t_pauses;

    /// <summary>From now on this one keeps them, until what is returned is disposed of.</summary>
    internal static IDisposable In(Func<string, IReadOnlyList<object?>, Func<double[]>, double[]> keeper)
    {
        (Func<string, IReadOnlyList<object?>, Func<double[]>, double[]>? before, s_keeper) = (s_keeper, keeper);
        return new Ending(() => s_keeper = before);
    }

    /// <summary>The numbers: kept ones, or measured now; always now where a model has hooks, which are to be called.</summary>
    internal static double[] Numbers(string what, IReadOnlyList<object?> from, Func<double[]> measure) =>
        s_keeper is not { } keeper || t_pauses > 0 || from.OfType<TorchSharp.torch.nn.Module>().Any(Hooks.AreOn) ? measure()
            : keeper(what, from, () => Unkept(measure));

    /// <summary>Measures; of what is measured on the way nothing is kept by itself.</summary>
    internal static double[] Unkept(Func<double[]> measure)
    {
        using IDisposable pause = Pause();
        return measure();
    }

    /// <summary>Until it is disposed of, this thread keeps nothing: a training scores its network at hundreds of steps, and is kept as a whole.</summary>
    internal static IDisposable Pause()
    {
        t_pauses++;
        return new Ending(() => t_pauses--);
    }

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
