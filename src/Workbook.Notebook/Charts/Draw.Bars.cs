using System.Text;
using Plotly.NET;

namespace Workbook.Notebook;

public static partial class Draw
{
    /// <summary>
    /// The mean over seeds for each method, with ± one standard deviation: as bars from 0, or, where the axis begins elsewhere, as points, since
    /// a bar's length would then say nothing.
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="bars">A method and its values, one a seed.</param>
    /// <param name="zoom">Let the axis begin near the lowest method instead of at 0, and draw points.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">A method has no values, or there is no method.</exception>
    public static Figure Bars(string title, string y, IEnumerable<(string Name, double[] Values)> bars, bool zoom = false, int height = 380)
    {
        (string Name, Summary Value)[] all = [.. bars.Select(b => (b.Name, Summary.Of(b.Values)))];
        if (all.Length == 0)
        {
            throw new WorkbookException($"bars \"{title}\": there is no method to show");
        }

        Dictionary<string, object> axis = Plot.Axis(y);
        if (zoom)
        {
            double low = all.Min(b => b.Value.Mean - b.Value.Deviation);
            double high = all.Max(b => b.Value.Mean + b.Value.Deviation);
            double margin = Math.Max((high - low) * 0.15, 1e-9);
            axis["range"] = new[] { low - margin, high + margin };
        }

        object marks = new
        {
            x = all.Select(b => b.Name).ToArray(),
            y = all.Select(b => b.Value.Mean).ToArray(),
            mode = "markers",
            error_y = new { type = "data", array = all.Select(b => b.Value.Deviation).ToArray(), color = Palette.Neutral },
            marker = new { color = Palette.ForAll(all.Select(b => b.Name)), size = 11 },
            hovertext = all.Select(b => b.Value.ToString()).ToArray(),
            hovertemplate = "%{hovertext}<extra>%{x}</extra>",
        };
        StringBuilder words = new();
        foreach ((string name, Summary value) in all)
        {
            words.AppendLine($"{name}: {value}");
        }

        GenericChart chart = Plot.Chart([Plot.Trace(zoom ? "scatter" : "bar", marks)], ("xaxis", Plot.Axis("", ("type", "category"))), ("yaxis", axis),
            ("bargap", 0.35));
        return new Figure(chart, title, words.ToString().TrimEnd(), height);
    }

    /// <summary>As the other overload, a bar or point for each method of what was measured at one level; <c>[.. weights, .. places]</c> shows two
    /// together.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="measured">What was measured: one value a seed for each method.</param>
    /// <param name="zoom">As there.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">It was measured at several levels.</exception>
    public static Figure Bars(string title, string y, IEnumerable<Series> measured, bool zoom = false, int height = 380)
    {
        ArgumentNullException.ThrowIfNull(measured);
        return Bars(title, y, measured.Select(m => (m.Name, m.X.Length == 1 ? m.Values.Select(seed => seed[0]).ToArray()
            : throw new WorkbookException($"bars \"{title}\": '{m.Name}' has {m.X.Length} levels: show one of them"))), zoom, height);
    }

    /// <summary>As the other overload, points as pairs.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="x">The x axis with its unit.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="groups">A method and its points.</param>
    /// <param name="joined">As there.</param>
    /// <param name="height">Height in pixels.</param>
    public static Figure Scatter(string title, string x, string y, IEnumerable<(string Name, (double X, double Y)[] Points)> groups, bool joined = false,
        int height = 440) =>
        Scatter(title, x, y, groups.Select(g => (g.Name, g.Points.Select(p => p.X).ToArray(), g.Points.Select(p => p.Y).ToArray())), joined, height);

    /// <summary>Points, a colour for each method.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="x">The x axis with its unit.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="groups">A method and its points.</param>
    /// <param name="joined">A method's points are a way: a line joins them in their order, and the first of several is hollow.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">A method has not as many x as y.</exception>
    public static Figure Scatter(string title, string x, string y, IEnumerable<(string Name, double[] X, double[] Y)> groups, bool joined = false,
        int height = 440)
    {
        (string Name, double[] X, double[] Y)[] all = [.. groups];
        if (all.FirstOrDefault(g => g.X.Length != g.Y.Length) is { Name: not null } odd)
        {
            throw new WorkbookException($"scatter \"{title}\": {odd.Name} has {odd.X.Length} x and {odd.Y.Length} y");
        }

        IEnumerable<Trace> traces = all.Zip(Palette.ForAll(all.Select(g => g.Name)), (group, color) => Plot.Trace("scatter", new
        {
            mode = joined ? "lines+markers" : "markers",
            name = group.Name,
            showlegend = all.Length > 1,
            x = group.X,
            y = group.Y,
            line = new { color, width = 1 },
            marker = new
            {
                color,
                size = joined ? 10 : 8,
                opacity = 0.8,
                symbol = group.X.Select((_, i) => joined && i == 0 && group.X.Length > 1 ? "circle-open" : "circle").ToArray()
            },
            hovertemplate = "%{x}, %{y}",
        }));
        GenericChart chart = Plot.Chart([.. traces], ("xaxis", Plot.Axis(x)), ("yaxis", Plot.Axis(y)));
        string words = string.Join('\n', all.Select(g => $"{g.Name}: {g.X.Length} points"
            + (g.X.Length == 0 ? "" : $", x {Number(g.X.Min())} to {Number(g.X.Max())}, y {Number(g.Y.Min())} to {Number(g.Y.Max())}")));
        return new Figure(chart, title, words, height);
    }
}
