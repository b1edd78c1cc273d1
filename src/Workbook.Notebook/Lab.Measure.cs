namespace Workbook.Notebook;

/// <content>Runs side by side, over seeds, methods and levels.</content>
public static partial class Lab
{
    /// <summary>Runs once for each seed, side by side, under one progress bar.</summary>
    /// <param name="title">What the bar says.</param>
    /// <param name="run">One seed's run; it must not use torch's default generator.</param>
    /// <param name="seeds">The seeds; those of <see cref="Context"/> where left out.</param>
    public static PerSeed<T> Measure<T>(string title, Func<int, T> run, IEnumerable<int>? seeds = null) =>
        Measure(title, [""], (seed, _) => run(seed), seeds)[""];

    /// <inheritdoc cref="Measure{T}(string, Func{int, T}, IEnumerable{int}?)"/>
    public static PerSeed Measure(string title, Func<int, double> run, IEnumerable<int>? seeds = null) => Measure<double>(title, run, seeds).Of(x => x);

    /// <summary>Runs each method with each seed, side by side, under one progress bar.</summary>
    /// <param name="title">What the bar says.</param>
    /// <param name="methods">Their names.</param>
    /// <param name="run">(seed, method) → one run.</param>
    /// <param name="seeds">The seeds; those of <see cref="Context"/> where left out.</param>
    public static Measured<T> Measure<T>(string title, IEnumerable<string> methods, Func<int, string, T> run, IEnumerable<int>? seeds = null) =>
        Measure(title, methods, [double.NaN], (seed, method, _) => run(seed, method), seeds);

    /// <inheritdoc cref="Measure{T}(string, IEnumerable{string}, Func{int, string, T}, IEnumerable{int}?)"/>
    public static Measured Measure(string title, IEnumerable<string> methods, Func<int, string, double> run, IEnumerable<int>? seeds = null) =>
        Measure<double>(title, methods, run, seeds).Of(x => x);

    /// <summary>Runs each method with each seed, side by side, under one progress bar.</summary>
    /// <param name="title">What the bar says.</param>
    /// <param name="methods">Name → method.</param>
    /// <param name="run">(seed, method) → one run.</param>
    /// <param name="seeds">The seeds; those of <see cref="Context"/> where left out.</param>
    public static Measured<T> Measure<TMethod, T>(string title, IReadOnlyDictionary<string, TMethod> methods, Func<int, TMethod, T> run,
        IEnumerable<int>? seeds = null) =>
        Measure(title, methods.Keys, (seed, method) => run(seed, methods[method]), seeds);

    /// <inheritdoc cref="Measure{TMethod, T}(string, IReadOnlyDictionary{string, TMethod}, Func{int, TMethod, T}, IEnumerable{int}?)"/>
    public static Measured Measure<TMethod>(string title, IReadOnlyDictionary<string, TMethod> methods, Func<int, TMethod, double> run,
        IEnumerable<int>? seeds = null) =>
        Measure<TMethod, double>(title, methods, run, seeds).Of(x => x);

    /// <summary>Runs each method at each level with each seed, side by side, under one progress bar.</summary>
    /// <param name="title">What the bar says.</param>
    /// <param name="methods">Name → method.</param>
    /// <param name="levels">E.g. sparsities.</param>
    /// <param name="run">(seed, method, level) → one run.</param>
    /// <param name="seeds">The seeds; those of <see cref="Context"/> where left out.</param>
    public static Measured<T> Measure<TMethod, T>(string title, IReadOnlyDictionary<string, TMethod> methods, IEnumerable<double> levels,
        Func<int, TMethod, double, T> run,
        IEnumerable<int>? seeds = null) =>
        Measure(title, methods.Keys, levels, (seed, method, level) => run(seed, methods[method], level), seeds);

    /// <summary>As the overload for results of any kind, for numbers.</summary>
    public static Measured Measure<TMethod>(string title, IReadOnlyDictionary<string, TMethod> methods, IEnumerable<double> levels,
        Func<int, TMethod, double, double> run,
        IEnumerable<int>? seeds = null) =>
        Measure<TMethod, double>(title, methods, levels, run, seeds).Of(x => x);

    /// <inheritdoc cref="Measure{T}(string, IEnumerable{string}, IEnumerable{double}, Func{int, string, double, T}, IEnumerable{int}?)"/>
    public static Measured Measure(string title, IEnumerable<string> methods, IEnumerable<double> levels, Func<int, string, double, double> run,
        IEnumerable<int>? seeds = null) =>
        Measure<double>(title, methods, levels, run, seeds).Of(x => x);

    /// <summary>Runs each method at each level with each seed, side by side, under one progress bar.</summary>
    /// <param name="title">What the bar says.</param>
    /// <param name="methods">Their names.</param>
    /// <param name="levels">E.g. sparsities.</param>
    /// <param name="run">(seed, method, level) → one run; it must not use torch's default generator.</param>
    /// <param name="seeds">The seeds; those of <see cref="Context"/> where left out.</param>
    /// <exception cref="WorkbookException">There are no seeds, methods or levels; or as the first run to fail.</exception>
    public static Measured<T> Measure<T>(string title, IEnumerable<string> methods, IEnumerable<double> levels, Func<int, string, double, T> run,
        IEnumerable<int>? seeds = null)
    {
        (string[] all, double[] at, int[] over) = ([.. methods], [.. levels], [.. seeds ?? Context.Seeds]);
        if (over.Length == 0)
        {
            throw new WorkbookException($"\"{title}\" has no seeds: Lab.Describe says them");
        }

        (string Method, double Level, int Seed)[] jobs = [.. all.SelectMany(m => at.SelectMany(l => over.Select(s => (m, l, s))))];
        using ProgressBar bar = ProgressBar.Start(title, jobs.Length);
        T[] results = Replicas.Run(jobs, job =>
        {
            using IDisposable running = bar.Running();
            T result = run(job.Seed, job.Method, job.Level);
            bar.Step();
            return result;
        });
        Dictionary<(string, double), T[]> found = jobs.Zip(results).GroupBy(j => (j.First.Method, j.First.Level))
            .ToDictionary(g => g.Key, g => g.Select(j => j.Second).ToArray());
        return new(all, at, (m, l) => new PerSeed<T>(over, found[(m, l)]));
    }

    /// <summary>The seeds that a notebook runs over: one alone, as a point of a sweep has it, or the first so many.</summary>
    /// <param name="count">How many: 0, 1, …</param>
    /// <param name="only">The one alone; null for all.</param>
    /// <exception cref="WorkbookException">There is none.</exception>
    public static IReadOnlyList<int> Seeds(int count, int? only = null) => only is { } one ? [one]
        : count > 0 ? [.. Enumerable.Range(0, count)] : throw new WorkbookException($"a notebook runs over 1 or more seeds, not {count}");
}
