namespace Workbook.Notebook;

/// <summary>A mean and the interval in which it would lie in 95 of 100 repetitions.</summary>
/// <param name="Mean">The values' mean.</param>
/// <param name="Low">The interval's lower end; the mean itself where there is one value.</param>
/// <param name="High">The interval's upper end.</param>
/// <param name="Count">How many values there are.</param>
public readonly record struct Interval(double Mean, double Low, double High, int Count) : IFormattable
{
    private const int Resamples = 10_000;

    /// <summary>
    /// The percentile bootstrap (Efron 1979): 10,000 times as many values as there are, drawn from them with replacement; the same values
    /// give the same interval. With fewer than about ten values it is too narrow, for a few seeds show less than all their variation.
    /// </summary>
    /// <exception cref="WorkbookException">There are no values.</exception>
    public static Interval Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        double mean = Summary.Of(all).Mean;
        if (all.Length == 1 || !double.IsFinite(mean))
        {
            return new Interval(mean, mean, mean, all.Length);
        }

        Random random = new(1);
        double[] means = new double[Resamples];
        for (int r = 0; r < Resamples; r++)
        {
            double sum = 0;
            for (int i = 0; i < all.Length; i++)
            {
                sum += all[random.Next(all.Length)];
            }

            means[r] = sum / all.Length;
        }

        Array.Sort(means);
        return new Interval(mean, means[Resamples / 40 - 1], means[Resamples - (Resamples / 40)], all.Length);
    }

    /// <summary>For example "97.41 [97.30, 97.52]"; the mean alone where there is one value.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        format ??= "0.00";
        formatProvider ??= System.Globalization.CultureInfo.InvariantCulture; // what is written is the same everywhere
        string mean = Mean.ToString(format, formatProvider);
        return Count < 2 ? mean : $"{mean} [{Low.ToString(format, formatProvider)}, {High.ToString(format, formatProvider)}]";
    }

    /// <summary>With two decimals.</summary>
    public override string ToString() => ToString(null, null);
}
