using Plotly.NET;

namespace Workbook.Notebook;

/// <summary>Which colours a heat map's numbers get: two for a mask, from blue over grey to red around 0, else dark to bright.</summary>
internal sealed record Coloring(double Low, double High, object Scale, bool Integers, bool Mask)
{
    // plotly.js's Cividis starts near black and ends in yellow: told apart by all, bright in either theme.
    private static readonly object[] s_sequential =
        [Stop(0, "#00224E"), Stop(0.25, "#35456C"), Stop(0.5, "#7D7C78"), Stop(0.75, "#BCAF6F"), Stop(1, "#FEE838")];

    private static readonly object[] s_diverging =
        [Stop(0, "#0072B2"), Stop(0.5, "rgba(128,128,128,0.12)"), Stop(1, "#D55E00")];

    private static readonly object[] s_mask =
        [Stop(0, "rgba(128,128,128,0.15)"), Stop(0.5, "rgba(128,128,128,0.15)"), Stop(0.5, Palette.Kept), Stop(1, Palette.Kept)];

    /// <summary>The one colour of what is no number: pink, which neither scale has.</summary>
    public static object[] NotFinite { get; } = [Stop(0, NotFiniteColor), Stop(1, NotFiniteColor)];

    private const string NotFiniteColor = "#CC79A7";

    public static Coloring For(IEnumerable<double[]> rows)
    {
        double[] all = [.. rows.SelectMany(row => row).Where(double.IsFinite)];
        double low = all.DefaultIfEmpty(0).Min();
        double high = all.DefaultIfEmpty(1).Max();
        bool integers = all.All(v => v == Math.Truncate(v) && Math.Abs(v) < 1e15);
        if (integers && all.Length > 0 && low >= 0 && high <= 1)
        {
            return new Coloring(0, 1, s_mask, true, true);
        }

        double reach = Math.Max(-low, high);
        return low < 0 ? new Coloring(-reach, reach, s_diverging, integers, false) : new Coloring(Math.Min(low, 0), high, s_sequential, integers, false);
    }

    /// <summary>What the colours say that the colour bar does not: a mask's two, and that of cells without a finite number.</summary>
    public IEnumerable<Trace> Legend(string unit, IEnumerable<double[]> rows)
    {
        List<(string Name, string Color)> entries = Mask ? [($"1: {unit}", Palette.Kept), ("0", "rgba(128,128,128,0.4)")] : [];
        if (!rows.All(row => row.All(double.IsFinite)))
        {
            entries.Add(("not finite", NotFiniteColor));
        }

        return entries.Select(entry => Plot.Trace("scatter", new
        {
            mode = "markers",
            name = entry.Name,
            showlegend = true,
            x = new double?[] { null },
            y = new double?[] { null },
            marker = new { symbol = "square", size = 12, color = entry.Color },
        }));
    }

    public static object Bar(string unit) =>
        new { title = new { text = unit, side = "top" }, thickness = 14, outlinewidth = 0, tickcolor = Palette.Neutral };

    private static object[] Stop(double at, string color) => [at, color];
}
