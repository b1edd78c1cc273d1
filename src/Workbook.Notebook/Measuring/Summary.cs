using System.Globalization;

namespace Workbook.Notebook;

/// <summary>Values of several seeds in two numbers.</summary>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their sample standard deviation (n − 1); 0 for a single value.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct Summary(double Mean, double Deviation, int Count) : IFormattable
{
    /// <summary>Sums up one value a seed.</summary>
    /// <exception cref="WorkbookException">There are no values.</exception>
    public static Summary Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length == 0)
        {
            throw new WorkbookException("a mean needs at least one value: give one value a seed");
        }

        double mean = all.Average();
        double deviation = all.Length == 1 ? 0 : Math.Sqrt(all.Sum(v => (v - mean) * (v - mean)) / (all.Length - 1));
        return new Summary(mean, deviation, all.Length);
    }

    /// <summary>For example "97.41 ± 0.07"; the mean alone where there is one value.</summary>
    /// <param name="format">Two decimals where there is none.</param>
    /// <param name="formatProvider">The culture; the invariant one where there is none, so that what is written is the same everywhere.</param>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        formatProvider ??= CultureInfo.InvariantCulture;
        string mean = Mean.ToString(format ?? "0.00", formatProvider);
        return Count < 2 ? mean : $"{mean} ± {Deviation.ToString(format ?? "0.00", formatProvider)}";
    }

    /// <summary>With two decimals.</summary>
    public override string ToString() => ToString(null, null);
}
