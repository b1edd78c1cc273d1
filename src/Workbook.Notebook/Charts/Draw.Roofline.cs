using Plotly.NET;

namespace Workbook.Notebook;

/// <content>What a machine allows at most, and what is reached of it.</content>
public static partial class Draw
{
    private static readonly string[] s_dashes = ["solid", "dash", "dashdot", "dot"];

    /// <summary>
    /// A roofline (Williams, Waterman and Patterson 2009): operations a second over operations a byte, both logarithmic. The roof rises with what can be read
    /// and is level at what can be multiplied; under it are the layers, each a line over its sparsities.
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="roof">The machine.</param>
    /// <param name="layers">A layer's name, and its speeds over sparsity.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">There is no layer, or one without speeds.</exception>
    public static Figure Roofline(string title, Roof roof, IEnumerable<(string Name, LayerSpeed[] Speeds)> layers, int height = 480)
    {
        ArgumentNullException.ThrowIfNull(roof);
        (string Name, LayerSpeed[] Speeds)[] all = [.. layers];
        if (all.Length == 0 || all.Any(l => l.Speeds.Length == 0))
        {
            throw new WorkbookException($"chart \"{title}\": there is nothing to draw, "
                + (all.Length == 0 ? "no layer was given" : $"{all.First(l => l.Speeds.Length == 0).Name} has no speed"));
        }

        double[] intensities = [.. all.SelectMany(l => l.Speeds).Select(s => s.Intensity)];
        (double from, double to) = (intensities.Min() / 2, Math.Max(intensities.Max() * 2, roof.Peak / roof.Readings[^1].Bandwidth));
        IEnumerable<Trace> lines = roof.Readings.Select((reading, i) =>
        {
            double[] x = [from, Math.Clamp(roof.Peak / reading.Bandwidth, from, to), to];
            return Plot.Trace("scatter", new
            {
                mode = "lines",
                name = $"{Amount(reading.Bytes)}: {Number(Math.Round(reading.Bandwidth))} GB/s",
                x,
                y = x.Select(v => Math.Min(roof.Peak, v * reading.Bandwidth)).ToArray(),
                line = new { color = Palette.Neutral, width = 2, dash = s_dashes[i % s_dashes.Length] },
                hoverinfo = "name",
            });
        });
        IEnumerable<Trace> points = all.Zip(Palette.ForAll(all.Select(l => l.Name)), (layer, color) => Plot.Trace("scatter", new
        {
            mode = "lines+markers+text",
            name = layer.Name,
            x = layer.Speeds.Select(s => s.Intensity).ToArray(),
            y = layer.Speeds.Select(s => s.Gigaflops).ToArray(),
            line = new { color, width = 1 },
            marker = new { color, size = 9 },
            // In a picture nothing can be pointed at: the ends of each line say where it begins.
            text = layer.Speeds.Select((s, i) => i == 0 || i == layer.Speeds.Length - 1 ? Gone(s) : "").ToArray(),
            textposition = layer.Speeds.Select((_, i) => i == 0 ? "middle right" : "middle left").ToArray(),
            textfont = new { color },
            hovertext = layer.Speeds.Select(s => $"{Gone(s)}: {Number(s.Gigaflops)}, {100 * s.PartOf(roof):F0} % of what is possible").ToArray(),
            hoverinfo = "text+name",
        }));
        IEnumerable<double> heights = all.SelectMany(l => l.Speeds).Select(s => s.Gigaflops).Concat([roof.Peak, roof.Limit(from, long.MaxValue)]);
        GenericChart chart = Plot.Chart([.. lines, .. points], ("xaxis", Plot.LogAxis("operations a byte", [from, to])),
            ("yaxis", Plot.LogAxis("10⁹ operations a second", heights)));
        string words = string.Join('\n', all.Select(layer => $"{layer.Name}: " + string.Join("; ", layer.Speeds.Select(InWords))));
        string machine = FormattableString.Invariant($"at most {roof.Peak:F0}, read from ")
            + string.Join(", ", roof.Readings.Select(r => FormattableString.Invariant($"{Amount(r.Bytes)} {r.Bandwidth:F0} GB/s")));
        return new Figure(chart, title, $"{machine}\n{words}", height);

        static string Gone(LayerSpeed s) => Percent(Math.Round(s.Sparsity, 3));
        string InWords(LayerSpeed s) => FormattableString.Invariant(
            $"{Gone(s)} {s.Gigaflops:G3} at {s.Intensity:G3} operations a byte, {100 * s.PartOf(roof):F0} % of the roof");
    }

    private static string Amount(long bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : $"{bytes >> 10} KiB";
}
