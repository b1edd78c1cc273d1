using System.Globalization;
using System.Text;
using Plotly.NET;

namespace Workbook.Notebook;

/// <summary>The workbook's charts, each one call; show the result with <c>.Show()</c>.</summary>
public static partial class Draw
{
    /// <summary>
    /// A curve over sparsity for each method: the mean over seeds as a line, ± one standard deviation as a band.
    /// Equal distances mean that the weights left shrink by the same factor, which keeps 90, 95, 98 and 99 % apart and each where it belongs.
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="y">The y axis with its unit, for example "test accuracy (%)".</param>
    /// <param name="series">The methods; x are sparsities from 0 to 1.</param>
    /// <param name="reference">One value a seed of a horizontal line to compare with, for example the dense network's accuracy.</param>
    /// <param name="referenceName">The line's name.</param>
    /// <param name="x">The x axis with its unit.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">A series' numbers do not fit together, or a sparsity is not in 0 to 1.</exception>
    public static Figure Sparsity(
        string title, string y, IEnumerable<Series> series, IEnumerable<double>? reference = null, string referenceName = "dense",
            string x = "sparsity (% of weights removed)", int height = 440)
    {
        Series[] all = Some(title, series);
        if (all.SelectMany(s => s.X).FirstOrDefault(v => v is not (>= 0 and <= 1), double.NaN) is var wrong && !double.IsNaN(wrong))
        {
            throw new WorkbookException($"sparsity {wrong} is not between 0 and 1: give fractions, 0.9 for 90 %");
        }

        double[] sparsities = [.. all.SelectMany(s => s.X).Distinct().Order()];
        double last = sparsities.Where(s => s < 1).Select(s => -Math.Log10(1 - s)).DefaultIfEmpty(0).Max();
        double Place(double sparsity) => sparsity == 1 ? last + 0.3 : -Math.Log10(1 - sparsity); // nothing left: a halving further
        double[] ticks = [.. Legible(sparsities, Place)];
        Dictionary<string, object> axis = Plot.Axis(x, ("tickvals", ticks.Select(Place).ToArray()), ("ticktext", ticks.Select(Percent).ToArray()));
        return Bands(title, y, all, reference, referenceName, Place, Percent, axis, height);
    }

    // Labels that would cover each other: the first is seen.
    private static IEnumerable<double> Legible(double[] ascending, Func<double, double> place)
    {
        double apart = 0.05 * (place(ascending[^1]) - place(ascending[0])), seen = double.NegativeInfinity;
        foreach (double value in ascending)
        {
            if (place(value) - seen >= apart)
            {
                seen = place(value);
                yield return value;
            }
        }
    }

    /// <summary>
    /// A line for each method along any x; with several seeds the mean and a band of ± one standard deviation. <c>Lottery end</c> and
    /// <c>Lottery start</c> (dashed) have the colour of <c>Lottery</c>, and so has <c>Lottery (published)</c> (thin).
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="x">The x axis with its unit.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="series">The methods.</param>
    /// <param name="reference">One value a seed of a horizontal line to compare with.</param>
    /// <param name="referenceName">The line's name.</param>
    /// <param name="logX">A logarithmic x axis.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">A series' numbers do not fit together.</exception>
    public static Figure Lines(
        string title, string x, string y, IEnumerable<Series> series, IEnumerable<double>? reference = null, string referenceName = "dense", bool logX = false,
            int height = 440)
    {
        Series[] all = Some(title, series);
        Dictionary<string, object> axis = logX ? Plot.LogAxis(x, all.SelectMany(s => s.X)) : Plot.Axis(x);
        return Bands(title, y, all, reference, referenceName, value => value, value => Number(value), axis, height);
    }

    private static Figure Bands(
        string title, string y, Series[] series, IEnumerable<double>? reference, string referenceName, Func<double, double> place, Func<double, string> label,
            Dictionary<string, object> axis, int height)
    {
        IReadOnlyList<string> colors = Palette.ForAll(series.Select(s => s.Name));
        // What has no value below 0, a norm or a loss, has no deviation below 0 either.
        double floor = series.SelectMany(s => s.Values).SelectMany(v => v).Any(v => v < 0) ? double.NegativeInfinity : 0;
        List<Trace> bands = [];
        List<Trace> lines = [];
        StringBuilder text = new();
        foreach ((Series one, string color) in series.Zip(colors))
        {
            one.Check();
            int[] order = [.. Enumerable.Range(0, one.X.Length).OrderBy(i => one.X[i])];
            Summary[] points = [.. order.Select(one.At)];
            double[] at = [.. order.Select(i => place(one.X[i]))];
            if (one.Values.Length > 1)
            {
                bands.Add(Band(one.Name, color, at, points, floor));
            }

            bool published = one.Name.EndsWith(PublishedCurves.Mark, StringComparison.Ordinal), start = Palette.IsStart(one.Name);
            lines.Add(Plot.Trace("scatter", new
            {
                mode = published || start || at.Length > 40 ? "lines" : "lines+markers",
                name = one.Name,
                legendgroup = one.Name,
                x = at,
                y = points.Select(p => p.Mean).ToArray(),
                line = new { color, width = published ? 1 : 2, dash = published ? "dot" : start ? "dash" : "solid" },
                marker = new { color, size = 7 },
                text = points.Select((p, i) => $"{label(one.X[order[i]])}: {p}").ToArray(),
                hovertemplate = "%{text}",
            }));
            text.AppendLine($"{one.Name}: {Compact(order.Select(i => label(one.X[i])), points)}");
        }

        if (reference is not null)
        {
            Summary line = Summary.Of(reference);
            lines.Add(ReferenceLine(referenceName, line, series.SelectMany(s => s.X).Select(place)));
            text.AppendLine($"{referenceName}: {line}");
        }

        GenericChart chart = Plot.Chart(bands.Concat(lines), ("xaxis", axis), ("yaxis", Plot.Axis(y)));
        return new Figure(chart, title, text.ToString().TrimEnd(), height);
    }

    private static Series[] Some(string title, IEnumerable<Series> series)
    {
        Series[] all = [.. series];
        return all.Any(s => s.X.Length > 0) ? all : throw new WorkbookException($"chart \"{title}\": there is nothing to draw, no series has a point");
    }

    private static Trace Band(string name, string color, double[] x, Summary[] points, double floor) => Plot.Trace("scatter", new
    {
        mode = "lines",
        name,
        legendgroup = name,
        showlegend = false,
        x = x.Concat(x.Reverse()).ToArray(),
        y = points.Select(p => p.Mean + p.Deviation).Concat(points.Reverse().Select(p => Math.Max(floor, p.Mean - p.Deviation))).ToArray(),
        fill = "toself",
        fillcolor = Palette.Fade(color, 0.2),
        line = new { width = 0 },
        hoverinfo = "skip",
    });

    private static Trace ReferenceLine(string name, Summary value, IEnumerable<double> places)
    {
        double[] at = [.. places];
        return Plot.Trace("scatter", new
        {
            mode = "lines",
            name,
            x = new[] { at.Min(), at.Max() },
            y = new[] { value.Mean, value.Mean },
            line = new { color = Palette.For(name), width = 2, dash = "dash" },
            text = new[] { value.ToString(), value.ToString() },
            hovertemplate = "%{text}",
        });
    }

    private static string Percent(double fraction) => (fraction * 100).ToString("0.##", CultureInfo.InvariantCulture) + " %";

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    // Words stand in for the picture; a long curve is thinned to about ten points.
    private static string Compact(IEnumerable<string> labels, Summary[] points)
    {
        int step = Math.Max(1, points.Length / 10);
        return string.Join("; ", labels.Zip(points, (label, point) => $"{label} {point}").Where((_, i) => i % step == 0 || i == points.Length - 1));
    }
}
