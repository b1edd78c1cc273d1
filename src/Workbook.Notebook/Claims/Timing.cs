using System.Diagnostics;

namespace Workbook.Notebook;

/// <summary>Times that survive a busy machine.</summary>
public static class Timing
{
    /// <summary>
    /// The time of <paramref name="action"/> as a fraction of <paramref name="baseline"/>'s, once for each pair. The two take turns, so that
    /// a slow spell of the machine meets both; one untimed run of each goes first.
    /// </summary>
    /// <exception cref="WorkbookException"><paramref name="pairs"/> is less than 1.</exception>
    public static double[] AlternatingRatios(Action action, Action baseline, int pairs)
    {
        if (pairs < 1)
        {
            throw new WorkbookException($"{pairs} pairs can't be timed: at least 1 is needed");
        }

        action();
        baseline();
        double[] ratios = new double[pairs];
        for (int i = 0; i < pairs; i++)
        {
            // Who goes first changes, too.
            (double first, double second) = i % 2 == 0 ? (Time(action), Time(baseline)) : Swap(Time(baseline), Time(action));
            ratios[i] = first / second;
        }

        return ratios;
    }

    /// <summary>The middle value, or the mean of the middle two; NaN if any is NaN.</summary>
    /// <exception cref="WorkbookException">There are no values.</exception>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? throw new WorkbookException("a median needs at least one value")
            : double.IsNaN(sorted[0]) ? double.NaN
            : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static (double, double) Swap(double baseline, double action) => (action, baseline);

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Math.Max(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1e-6);
    }
}
