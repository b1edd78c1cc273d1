using System.Collections;

namespace Workbook.Notebook;

/// <summary>What was done for each method, at each level, with each seed.</summary>
/// <typeparam name="T">What one run gives.</typeparam>
public class Measured<T>
{
    private readonly Dictionary<(string Method, double Level), PerSeed<T>> _results;

    /// <param name="methods">The methods, in the order in which they are shown.</param>
    /// <param name="levels">The levels, e.g. sparsities; one that is not a number where there is only one.</param>
    /// <param name="of">A method's results at a level.</param>
    public Measured(IEnumerable<string> methods, IEnumerable<double> levels, Func<string, double, PerSeed<T>> of)
    {
        (Methods, Levels) = ([.. methods], [.. levels]);
        _results = Methods.SelectMany(m => Levels.Select(l => (m, l))).ToDictionary(k => k, k => of(k.m, k.l));
    }

    /// <summary>The methods.</summary>
    public IReadOnlyList<string> Methods { get; }

    /// <summary>The levels.</summary>
    public IReadOnlyList<double> Levels { get; }

    /// <summary>A method's results at a level.</summary>
    /// <exception cref="WorkbookException">There are none.</exception>
    public PerSeed<T> this[string method, double level] => Get(method, level);

    /// <summary>A method's results, where there is one level.</summary>
    /// <exception cref="WorkbookException">There is no such method, or there are several levels.</exception>
    public PerSeed<T> this[string method] => Levels.Count == 1 ? Get(method, Levels[0])
        : throw new WorkbookException($"'{method}' was measured at {string.Join(", ", Levels)}: say at which, as in [\"{method}\", {Levels[0]}]");

    /// <summary>A number of each result.</summary>
    public Measured Of(Func<T, double> number) => new(Methods, Levels, (m, l) => Get(m, l).Of(number));

    /// <summary>Something of each result.</summary>
    public Measured<TResult> Each<TResult>(Func<T, TResult> what) => new(Methods, Levels, (m, l) => Get(m, l).Each(what));

    /// <summary>These methods alone.</summary>
    /// <exception cref="WorkbookException">One was not measured.</exception>
    public Measured<T> Only(params string[] methods) => new(methods, Levels, Get);

    /// <summary>A method's results at a level; both exactly as they were given.</summary>
    private protected PerSeed<T> Get(string method, double level) => _results.TryGetValue((method, level), out PerSeed<T>? of) ? of
        : throw new WorkbookException($"'{method}' was not measured at {level}; there are {string.Join(", ", Methods.Select(m => $"'{m}'"))}"
            + $"{(double.IsNaN(Levels[0]) ? "" : FormattableString.Invariant($" at {string.Join(", ", Levels)}"))}");
}

/// <summary>
/// A number for each method, level and seed: <c>accuracy["fine-tuned", 0.9]</c> is a number for each seed. Charts of lines and bars take it as it
/// is, as a series for each method.
/// </summary>
public sealed class Measured : Measured<double>, IEnumerable<Series>
{
    /// <inheritdoc/>
    public Measured(IEnumerable<string> methods, IEnumerable<double> levels, Func<string, double, PerSeed> of)
        : base(methods, levels, of)
    {
    }

    /// <inheritdoc cref="Measured{T}.this[string, double]"/>
    public new PerSeed this[string method, double level] => (PerSeed)Get(method, level);

    /// <inheritdoc cref="Measured{T}.this[string]"/>
    public new PerSeed this[string method] => (PerSeed)base[method];

    /// <summary>These methods alone.</summary>
    /// <exception cref="WorkbookException">One was not measured.</exception>
    public new Measured Only(params string[] methods) => new(methods, Levels, (m, l) => this[m, l]);

    /// <summary>The numbers over other places than the levels: the fraction of weights that is gone, say, at each ratio of channels.</summary>
    /// <param name="levels">One for each level, in their order.</param>
    /// <exception cref="WorkbookException">There are not as many.</exception>
    public Measured Over(IEnumerable<double> levels)
    {
        double[] places = [.. levels];
        return places.Length == Levels.Count ? new(Methods, places, (m, l) => this[m, Levels[Array.IndexOf(places, l)]])
            : throw new WorkbookException($"{places.Length} places for {Levels.Count} levels: give one for each");
    }

    /// <summary>A method as the charts' series, under another name if one is given.</summary>
    /// <exception cref="WorkbookException">It was not measured, or its levels have different seeds.</exception>
    public Series Series(string method, string? name = null)
    {
        PerSeed[] at = [.. Levels.Select(l => this[method, l])];
        return at.All(a => a.Seeds.SequenceEqual(at[0].Seeds))
            ? new(name ?? method, [.. Levels], [.. at[0].Seeds.Select(seed => at.Select(a => a.At(seed)).ToArray())])
            : throw new WorkbookException($"'{method}' has different seeds at different levels: leave the same ones out at all");
    }

    /// <summary>A series for each method.</summary>
    public IEnumerator<Series> GetEnumerator() => Methods.Select(m => Series(m)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A row for each level, a column for each method: mean ± standard deviation over the seeds.</summary>
    /// <param name="title">What the table shows.</param>
    /// <param name="level">What the levels are; the methods are the rows where there is one level.</param>
    /// <param name="format">How a level is written.</param>
    /// <param name="numbers">How numbers are written.</param>
    public Table ToTable(string title, string level, string format = "0.##", string? numbers = null)
    {
        if (Levels.Count == 1)
        {
            Table rows = new(title, "", new Column(level, numbers));
            foreach (string method in Methods)
            {
                rows.Add(method, this[method]);
            }

            return rows;
        }

        Table table = new(title, [new(level, format), .. Methods.Select(m => new Column(m, numbers))]);
        foreach (double at in Levels)
        {
            table.Add([at, .. Methods.Select(m => (object)this[m, at])]);
        }

        return table;
    }
}
