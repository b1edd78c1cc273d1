namespace Workbook;

/// <summary>When how much goes: the sparsities to reach one after the other, with training in between.</summary>
public static class Schedule
{
    /// <summary>All at once.</summary>
    /// <param name="sparsity">The fraction pruned, 0 to 1.</param>
    /// <exception cref="WorkbookException">The sparsity is outside 0 to 1.</exception>
    public static IReadOnlyList<double> OneShot(double sparsity) => Iterative(sparsity, 1);

    /// <summary>The same fraction of what is left in every round (Han et al. 2015; Frankle and Carbin 2019): 1 − (1 − s)^(k/rounds) after round k.</summary>
    /// <param name="sparsity">The fraction pruned at the end, 0 to 1.</param>
    /// <param name="rounds">How many rounds, at least 1.</param>
    /// <exception cref="WorkbookException">The sparsity is outside 0 to 1, or there is no round.</exception>
    public static IReadOnlyList<double> Iterative(double sparsity, int rounds)
    {
        Pruner.CheckSparsity(sparsity);
        if (rounds < 1)
        {
            throw new WorkbookException($"an iterative schedule has at least 1 round, not {rounds}");
        }

        // The last level is the sparsity itself, to the bit.
        return [.. Enumerable.Range(1, rounds).Select(k => k == rounds ? sparsity : 1 - Math.Pow(1 - sparsity, (double)k / rounds))];
    }

    /// <summary>Fast at first, slower as less is left (Zhu and Gupta 2018, eq. 1): s_t = s_f + (s_i − s_f)(1 − t/n)³ at t = 1 … n.</summary>
    /// <param name="sparsity">The fraction pruned at the end, 0 to 1.</param>
    /// <param name="steps">How many steps, at least 1.</param>
    /// <param name="initial">The fraction pruned at the start.</param>
    /// <exception cref="WorkbookException">A sparsity is outside 0 to 1 or the initial one above the final, or there is no step.</exception>
    public static IReadOnlyList<double> Cubic(double sparsity, int steps, double initial = 0)
    {
        Pruner.CheckSparsity(sparsity);
        Pruner.CheckSparsity(initial);
        return steps < 1 ? throw new WorkbookException($"a cubic schedule has at least 1 step, not {steps}")
            : initial > sparsity ? throw new WorkbookException($"a cubic schedule rises: its initial sparsity {initial} is above its final one, {sparsity}")
            : [.. Enumerable.Range(1, steps).Select(t => sparsity + ((initial - sparsity) * Math.Pow(1 - ((double)t / steps), 3)))];
    }
}
