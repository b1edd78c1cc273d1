using Plotly.NET;

namespace Workbook.Notebook;

public static partial class Draw
{
    // What a chart draws over its traces, and what says that its axis is logarithmic: these follow a choice.
    private static readonly string[] s_followsChoice = ["shapes", "annotations"];

    /// <summary>One chart with a slider: at each place another figure of the same kind.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="what">What the slider moves, for example "sparsity".</param>
    /// <param name="figures">A figure for each place, in their order; the axes are those of the first shown.</param>
    /// <param name="first">Which is shown first: the one that a picture shows.</param>
    /// <exception cref="WorkbookException">There are fewer than two, or there is no such first one.</exception>
    public static Figure Slider(string title, string what, IEnumerable<(string Name, Figure Figure)> figures, int first = 0)
    {
        (string Name, Figure Figure)[] all = Choices(title, figures, first);
        return Chosen(title, all, first, 75, "sliders", new
        {
            active = first,
            currentvalue = new { prefix = $"{what}: ", xanchor = "left" },
            pad = new { t = 50, b = 5 },
            y = 0,
            yanchor = "top",
            bordercolor = Palette.Neutral,
            steps = Steps(all),
        });
    }

    /// <summary>One chart with a menu: for each entry another figure of the same kind, for example one for each seed.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="figures">As for <see cref="Slider"/>.</param>
    /// <param name="first">As there.</param>
    /// <exception cref="WorkbookException">As there.</exception>
    public static Figure Menu(string title, IEnumerable<(string Name, Figure Figure)> figures, int first = 0)
    {
        (string Name, Figure Figure)[] all = Choices(title, figures, first);
        return Chosen(title, all, first, Figure.RoomForMenu, "updatemenus",
            new { active = first, direction = "up", x = 0, xanchor = "left", y = 0, yanchor = "top", pad = Figure.MenuPlace, buttons = Steps(all) });
    }

    /// <summary>A chart with a menu of seeds: the mean of all first, then each alone.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="series">The methods, over the seeds of <see cref="RunContext.Current"/>.</param>
    /// <param name="draw">Draws some of their seeds.</param>
    /// <returns>Without a menu where there is one seed.</returns>
    public static Figure BySeed(string title, IEnumerable<Series> series, Func<IEnumerable<Series>, Figure> draw)
    {
        ArgumentNullException.ThrowIfNull(draw);
        (Series[] all, IReadOnlyList<int> seeds) = (Some(title, series), RunContext.Current.Seeds);
        return seeds.Count < 2 || all.Any(s => s.Values.Length != seeds.Count) ? draw(all)
            : Menu(title, [($"{seeds.Count} seeds", draw(all)),
                .. seeds.Select((seed, i) => ($"seed {seed}", draw(all.Select(s => s with { Values = [s.Values[i]] }))))]);
    }

    /// <summary>Two charts as one, the second below the first; the first may have lines across it, the second not.</summary>
    /// <param name="title">What both say.</param>
    /// <param name="upper">The first; its legend is for both.</param>
    /// <param name="lower">The second.</param>
    public static Figure Stacked(string title, Figure upper, Figure lower)
    {
        ArgumentNullException.ThrowIfNull(upper);
        ArgumentNullException.ThrowIfNull(lower);
        double above = (double)upper.Height / (upper.Height + lower.Height), gap = 0.09;
        (Layout top, Layout bottom) = (GenericChart.getLayout(upper.Chart), GenericChart.getLayout(lower.Chart));
        GenericChart chart = Plot.Chart(
            [.. GenericChart.getTraces(upper.Chart),
                .. GenericChart.getTraces(lower.Chart).Select(trace => Plot.With(trace, ("xaxis", "x2"), ("yaxis", "y2")))],
            [
                .. Plot.Properties(top).Where(p => p.Key is not ("xaxis" or "yaxis")).Select(p => (p.Key, p.Value)),
                ("xaxis", Placed(top, "xaxis", ("anchor", "y"))),
                ("yaxis", Placed(top, "yaxis", ("domain", new[] { 1 - above + gap, 1 }))),
                ("xaxis2", Placed(bottom, "xaxis", ("anchor", "y2"))),
                ("yaxis2", Placed(bottom, "yaxis", ("domain", new[] { 0, 1 - above - gap }), ("anchor", "x2"))),
            ]);
        return new Figure(chart, title, $"{upper.Text}\n{lower.Text}".Trim(), upper.Height + lower.Height);
    }

    private static Dictionary<string, object> Placed(Layout layout, string axis, params (string Key, object Value)[] more)
    {
        Dictionary<string, object> placed = new((Dictionary<string, object>)Plot.Properties(layout).First(p => p.Key == axis).Value);
        foreach ((string key, object value) in more)
        {
            placed[key] = value;
        }

        return placed;
    }

    private static (string Name, Figure Figure)[] Choices(string title, IEnumerable<(string Name, Figure Figure)> figures, int first)
    {
        (string Name, Figure Figure)[] all = [.. figures];
        return all.Length >= 2 && first >= 0 && first < all.Length ? all
            : throw new WorkbookException($"chart \"{title}\": of {all.Length} figures number {first} is to be shown first: give two or more, and one of them");
    }

    private static Figure Chosen(string title, (string Name, Figure Figure)[] all, int first, int room, string property, object control)
    {
        IEnumerable<Trace> traces = all.Index().SelectMany(a =>
            GenericChart.getTraces(a.Item.Figure.Chart).Select(t => Plot.With(t, ("visible", a.Index == first))));
        Figure shown = all[first].Figure;
        GenericChart chart = Plot.Chart(traces, [.. Plot.Properties(GenericChart.getLayout(shown.Chart)).Select(p => (p.Key, p.Value))]);
        string words = string.Join('\n', all.Select(a => $"{a.Name}: {a.Figure.Text.Replace("\n", "; ", StringComparison.Ordinal)}"));
        return new Figure(chart, title, words, shown.Height) { Shape = shown.Shape }.WithControl(property, control, room);
    }

    // Each shows the traces of its figure and hides the others'.
    private static object[] Steps((string Name, Figure Figure)[] all)
    {
        int[] counts = [.. all.Select(a => GenericChart.getTraces(a.Figure.Chart).Length)];
        return [.. all.Select((a, shown) => new
        {
            label = a.Name,
            method = "update",
            args = new object[]
            {
                new { visible = counts.SelectMany((count, i) => Enumerable.Repeat(i == shown, count)).ToArray() },
                Plot.Properties(GenericChart.getLayout(a.Figure.Chart)).Where(p => s_followsChoice.Contains(p.Key)).ToDictionary(p => p.Key, p => p.Value),
            },
        })];
    }
}
