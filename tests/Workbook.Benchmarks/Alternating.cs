using System.Diagnostics;

namespace Workbook.Benchmarks;

/// <summary>Two arms that take turns, so that what else the machine does falls on both.</summary>
internal static class Alternating
{
    /// <summary>Prints the ratio of an arm to its baseline, pair by pair, and what each reached.</summary>
    /// <param name="title">What is compared.</param>
    /// <param name="unit">Of what the arms return.</param>
    /// <param name="arm">Runs once and returns its figure: seconds, or samples a second.</param>
    /// <param name="baseline">Runs once and returns its figure, in the same unit.</param>
    /// <param name="pairs">How often each runs, besides once unmeasured to warm up; the first to go changes from pair to pair.</param>
    internal static void Compare(string title, string unit, Func<double> arm, Func<double> baseline, int pairs)
    {
        (double[] ours, double[] theirs) = Run(arm, baseline, pairs);
        Console.WriteLine($"{title}: ratio {Spread(Ratios(ours, theirs))}; medians {Figure(ours)} / {Figure(theirs)} {unit}");
    }

    /// <summary>The ratio of an arm to its baseline, pair by pair; the parameters are those of <see cref="Compare"/>.</summary>
    internal static double[] Ratios(Func<double> arm, Func<double> baseline, int pairs)
    {
        (double[] ours, double[] theirs) = Run(arm, baseline, pairs);
        return Ratios(ours, theirs);
    }

    /// <summary>Median, least, greatest and number of values.</summary>
    internal static string Spread(double[] values, string format = "F3") =>
        $"median {Median(values).ToString(format)} (min {values.Min().ToString(format)}, max {values.Max().ToString(format)}, n = {values.Length})";

    /// <summary>The median call, in seconds: being put aside by other work hits single calls.</summary>
    /// <param name="call">Made three times or more.</param>
    /// <param name="least">And so long.</param>
    internal static double MedianCall(Action call, TimeSpan least)
    {
        List<double> calls = [];
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < least || calls.Count < 3;)
        {
            TimeSpan start = watch.Elapsed;
            call();
            calls.Add((watch.Elapsed - start).TotalSeconds);
        }

        return Median(calls);
    }

    internal static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static (double[] Ours, double[] Theirs) Run(Func<double> arm, Func<double> baseline, int pairs)
    {
        (double[] ours, double[] theirs) = (new double[pairs], new double[pairs]);
        for (int i = -1; i < pairs; i++)
        {
            double first = i % 2 == 0 ? arm() : baseline(), second = i % 2 == 0 ? baseline() : arm();
            if (i >= 0)
            {
                (ours[i], theirs[i]) = i % 2 == 0 ? (first, second) : (second, first);
            }
        }

        return (ours, theirs);
    }

    private static double[] Ratios(double[] ours, double[] theirs) => [.. ours.Zip(theirs, (a, b) => a / b)];

    private static string Figure(double[] values) => Median(values) is var median && median >= 1000 ? $"{median:N0}" : $"{median:G3}";
}
