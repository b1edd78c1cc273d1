using System.Diagnostics;

namespace Workbook;

/// <summary>Two calls that take turns, so that what else the machine does falls on both.</summary>
internal static class Turns
{
    /// <summary>The seconds of both, turn by turn: of each turn the median call, as other work disturbs single ones.</summary>
    /// <param name="first">The one.</param>
    /// <param name="second">The other; a turn of it goes before, unmeasured.</param>
    /// <param name="pairs">Turns of each, 1 or more.</param>
    /// <param name="turn">How long a turn is at least.</param>
    /// <param name="calls">And how many calls: of three, one that was put aside is not the median.</param>
    internal static (double[] First, double[] Second) Take(Action first, Action second, int pairs, TimeSpan turn, int calls)
    {
        Time(second, turn, calls);
        (double First, double Second)[] turns = [.. Enumerable.Range(0, pairs).Select(_ => (Time(first, turn, calls), Time(second, turn, calls)))];
        return ([.. turns.Select(t => t.First)], [.. turns.Select(t => t.Second)]);
    }

    /// <summary>The median time of the first over that of the second, pair by pair.</summary>
    internal static double Ratio((double[] First, double[] Second) turns) => Median([.. turns.First.Zip(turns.Second, (first, second) => first / second)]);

    /// <summary>The fastest of many calls, in seconds: other work only slows.</summary>
    internal static double Fastest(Action call, TimeSpan least)
    {
        double fastest = double.PositiveInfinity;
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < least || double.IsInfinity(fastest);)
        {
            TimeSpan start = watch.Elapsed;
            call();
            fastest = Math.Min(fastest, (watch.Elapsed - start).TotalSeconds);
        }

        return fastest;
    }

    private static double Time(Action call, TimeSpan turn, int calls)
    {
        List<double> times = [];
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < turn || times.Count < calls;)
        {
            TimeSpan start = watch.Elapsed;
            call();
            times.Add((watch.Elapsed - start).TotalSeconds);
        }

        return Median(times);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
