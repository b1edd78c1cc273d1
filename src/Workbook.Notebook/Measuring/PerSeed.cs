using System.Collections;

namespace Workbook.Notebook;

/// <summary>One result for each seed.</summary>
/// <typeparam name="T">What a seed gives.</typeparam>
public class PerSeed<T> : IReadOnlyList<T>
{
    private readonly T[] _values;

    /// <param name="seeds">The seeds.</param>
    /// <param name="values">A value for each.</param>
    /// <exception cref="WorkbookException">There are not as many values as seeds, or a seed stands twice.</exception>
    public PerSeed(IEnumerable<int> seeds, IEnumerable<T> values)
    {
        (Seeds, _values) = ([.. seeds], [.. values]);
        if (Seeds.Count != _values.Length || Seeds.Distinct().Count() != Seeds.Count)
        {
            throw new WorkbookException($"{_values.Length} values for the seeds {string.Join(", ", Seeds)}: give one for each, and each seed once");
        }
    }

    /// <summary>The seeds, in the order of the values.</summary>
    public IReadOnlyList<int> Seeds { get; }

    /// <summary>How many seeds there are.</summary>
    public int Count => _values.Length;

    /// <summary>The value at a position, from 0; for a seed's value see <see cref="At"/>.</summary>
    public T this[int index] => _values[index];

    /// <summary>A seed's value.</summary>
    /// <exception cref="WorkbookException">There is none.</exception>
    public T At(int seed) => Index(seed) is >= 0 and var i ? _values[i]
        : throw new WorkbookException($"there is nothing of seed {seed}; there is of {string.Join(", ", Seeds)}");

    /// <summary>A number of each seed's value.</summary>
    public PerSeed Of(Func<T, double> number) => new(Seeds, _values.Select(number));

    /// <summary>Something of each seed's value.</summary>
    public PerSeed<TResult> Each<TResult>(Func<T, TResult> what) => new(Seeds, _values.Select(what));

    /// <summary>A number of each seed and its value.</summary>
    public PerSeed With(Func<int, T, double> number) => new(Seeds, Seeds.Zip(_values, number));

    /// <summary>Something of each seed and its value.</summary>
    public PerSeed<TResult> With<TResult>(Func<int, T, TResult> what) => new(Seeds, Seeds.Zip(_values, what));

    /// <summary>A number of each seed's two values, over the seeds that both have.</summary>
    public PerSeed With<TOther>(PerSeed<TOther> other, Func<T, TOther, double> number) => Only(other).With((seed, value) => number(value, other.At(seed)));

    /// <summary>The seeds whose values are as asked; the others are left out from here on.</summary>
    public PerSeed<T> Only(Func<T, bool> which) => Among(s => which(At(s)));

    /// <summary>The seeds that the other has as well.</summary>
    public PerSeed<T> Only<TOther>(PerSeed<TOther> other) => Among(other.Has);

    /// <summary>Whether a seed is among them.</summary>
    public bool Has(int seed) => Index(seed) >= 0;

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_values).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private PerSeed<T> Among(Func<int, bool> which)
    {
        int[] seeds = [.. Seeds.Where(which)];
        return new(seeds, seeds.Select(At));
    }

    private int Index(int seed)
    {
        for (int i = 0; i < Seeds.Count; i++)
        {
            if (Seeds[i] == seed)
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>
/// One number for each seed. Differences, ratios and the like of two are taken seed by seed, over the seeds that both have, so that what
/// seeds have in common drops out; shown as mean ± standard deviation.
/// </summary>
public sealed class PerSeed : PerSeed<double>, IFormattable, IShowable
{
    /// <inheritdoc/>
    public PerSeed(IEnumerable<int> seeds, IEnumerable<double> values)
        : base(seeds, values)
    {
    }

    /// <summary>Mean and sample standard deviation.</summary>
    /// <exception cref="WorkbookException">There is no seed.</exception>
    public Summary Summary => Summary.Of(this);

    /// <summary>The mean over the seeds.</summary>
    /// <exception cref="WorkbookException">There is no seed.</exception>
    public double Mean => Summary.Mean;

    /// <summary>The sample standard deviation (n − 1); 0 for one seed.</summary>
    /// <exception cref="WorkbookException">There is no seed.</exception>
    public double Deviation => Summary.Deviation;

    /// <summary>As <see cref="PerSeed{T}.Only(Func{T, bool})"/>.</summary>
    public new PerSeed Only(Func<double, bool> which) => base.Only(which).Of(x => x);

    /// <summary>As <see cref="PerSeed{T}.Only{TOther}(PerSeed{TOther})"/>.</summary>
    public new PerSeed Only<TOther>(PerSeed<TOther> other) => base.Only(other).Of(x => x);

    /// <summary>Seed by seed.</summary>
    public static PerSeed operator -(PerSeed a, PerSeed b) => Pair(a, b, (x, y) => x - y);

    /// <summary>Seed by seed.</summary>
    public static PerSeed operator +(PerSeed a, PerSeed b) => Pair(a, b, (x, y) => x + y);

    /// <summary>Seed by seed.</summary>
    public static PerSeed operator *(PerSeed a, PerSeed b) => Pair(a, b, (x, y) => x * y);

    /// <summary>Seed by seed.</summary>
    public static PerSeed operator /(PerSeed a, PerSeed b) => Pair(a, b, (x, y) => x / y);

    /// <summary>For every seed.</summary>
    public static PerSeed operator -(PerSeed a, double b) => a.Of(x => x - b);

    /// <summary>For every seed.</summary>
    public static PerSeed operator -(double a, PerSeed b) => b.Of(x => a - x);

    /// <summary>For every seed.</summary>
    public static PerSeed operator +(PerSeed a, double b) => a.Of(x => x + b);

    /// <summary>For every seed.</summary>
    public static PerSeed operator *(double a, PerSeed b) => b.Of(x => a * x);

    /// <summary>For every seed.</summary>
    public static PerSeed operator /(PerSeed a, double b) => a.Of(x => x / b);

    /// <summary>The lesser of each seed.</summary>
    public static PerSeed Min(PerSeed a, PerSeed b) => Pair(a, b, Math.Min);

    /// <summary>For example "97.41 ± 0.07".</summary>
    public string ToString(string? format, IFormatProvider? formatProvider) => Count == 0 ? "no seed" : Summary.ToString(format, formatProvider);

    /// <summary>With two decimals.</summary>
    public override string ToString() => ToString(null, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What <see cref="ToString()"/> says, and over which seeds.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() =>
        new Dictionary<string, string> { ["text/plain"] = $"{this} ({Count} {(Count == 1 ? "seed" : "seeds")})" };

    /// <summary>The numbers themselves, seed by seed: "0.01 · 0.07".</summary>
    public string Listed(string format = "0.00") => string.Join(" · ", this.Select(v => v.ToString(format, System.Globalization.CultureInfo.InvariantCulture)));

    private static PerSeed Pair(PerSeed a, PerSeed b, Func<double, double, double> with)
    {
        int[] both = [.. a.Seeds.Where(b.Has)];
        return both.Length > 0 ? new(both, both.Select(seed => with(a.At(seed), b.At(seed))))
            : throw new WorkbookException($"the seeds {string.Join(", ", a.Seeds)} and {string.Join(", ", b.Seeds)} have none in common: nothing can be "
                + $"paired");
    }
}
