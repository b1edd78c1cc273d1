using Plotly.NET;
using TorchSharp;

namespace Workbook.Notebook;

public static partial class Draw
{
    /// <summary>
    /// A fully connected network before and after pruning, side by side (after Han et al. 2015, figure 3): neurons as columns
    /// of dots, synapses as lines; neurons that nothing reaches, or that reach nothing, are hollow.
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="masks">For each layer of weights 1 where a synapse is kept: [outputs, inputs].</param>
    /// <param name="layers">The columns' names: one more than there are masks.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">The masks' shapes or the names do not fit together.</exception>
    public static Figure Network(string title, IEnumerable<torch.Tensor> masks, IEnumerable<string> layers, int height = 380)
    {
        double[][][] pruned = [.. masks.Select(mask => Cells(title, mask))];
        string[] names = [.. layers];
        bool chained = pruned.Zip(pruned.Skip(1), (a, b) => a.Length == b[0].Length).All(fits => fits);
        if (pruned.Length == 0 || !chained || names.Length != pruned.Length + 1)
        {
            throw new WorkbookException($"network \"{title}\": {pruned.Length} masks and {names.Length} layer names: each mask is [outputs, inputs], its "
                + $"inputs the outputs of the one before, and there is one name more than masks");
        }

        double[][][] dense = [.. pruned.Select(layer => layer.Select(row => row.Select(_ => 1.0).ToArray()).ToArray())];
        List<object> annotations = [PanelName("before pruning", 0.23, 1), PanelName("after pruning", 0.77, 1)];
        List<Trace> traces = [.. Panel(dense, "", Palette.Neutral), .. Panel(pruned, "2", Palette.Kept)];
        for (int layer = 0; layer < names.Length; layer++)
        {
            foreach (string axis in new[] { "x", "x2" })
            {
                annotations.Add(new
                {
                    text = Escape(names[layer]).Replace(" ", "<br>"),
                    xref = axis,
                    yref = "paper",
                    x = layer,
                    y = -0.02,
                    yshift = layer % 2 == 0 ? 0 : -30,
                    yanchor = "top",
                    showarrow = false,
                    font = new { size = 12 }
                });
            }
        }

        double[] across = [-0.4, names.Length - 0.6];
        GenericChart chart = Plot.Chart(
            traces,
            ("xaxis", Plot.HiddenAxis(("domain", new[] { 0, 0.46 }), ("range", across), ("fixedrange", true))),
            ("yaxis", Plot.HiddenAxis(("range", new[] { -0.06, 1.06 }), ("fixedrange", true))),
            ("xaxis2", Plot.HiddenAxis(("domain", new[] { 0.54, 1 }), ("anchor", "y2"), ("range", across), ("fixedrange", true))),
            ("yaxis2", Plot.HiddenAxis(("anchor", "x2"), ("range", new[] { -0.06, 1.06 }), ("fixedrange", true))),
            ("annotations", annotations.ToArray()),
            ("margin", new { l = 5, r = 5, t = 30, b = 75 }),
            ("showlegend", false));
        return new Figure(chart, title, NetworkWords(pruned), height);
    }

    private static IEnumerable<Trace> Panel(double[][][] masks, string axis, string color)
    {
        int[] sizes = Sizes(masks);
        List<double?> x = [];
        List<double?> y = [];
        for (int layer = 0; layer < masks.Length; layer++)
        {
            for (int o = 0; o < sizes[layer + 1]; o++)
            {
                for (int i = 0; i < sizes[layer]; i++)
                {
                    if (masks[layer][o][i] != 0)
                    {
                        x.AddRange([layer, layer + 1, null]);
                        y.AddRange([Place(i, sizes[layer]), Place(o, sizes[layer + 1]), null]);
                    }
                }
            }
        }

        yield return Plot.Trace("scatter", new
        {
            mode = "lines",
            x,
            y,
            xaxis = "x" + axis,
            yaxis = "y" + axis,
            line = new { color = Palette.Fade(color, 0.75), width = 1 },
            hoverinfo = "skip"
        });
        foreach (bool alive in new[] { true, false })
        {
            (int Layer, int Index)[] nodes = [.. Nodes(sizes).Where(n => IsConnected(masks, n.Layer, n.Index) == alive)];
            yield return Plot.Trace("scatter", new
            {
                mode = "markers",
                x = nodes.Select(n => n.Layer).ToArray(),
                y = nodes.Select(n => Place(n.Index, sizes[n.Layer])).ToArray(),
                xaxis = "x" + axis,
                yaxis = "y" + axis,
                marker = new
                {
                    symbol = alive ? "circle" : "circle-open",
                    size = 11,
                    color = alive ? color : Palette.Neutral,
                    opacity = alive ? 1 : 0.5,
                    line = new { width = 1.5, color = Palette.Neutral }
                },
                text = nodes.Select(n => $"neuron {n.Index}: {(alive ? "connected" : "cut off")}").ToArray(),
                hovertemplate = "%{text}<extra></extra>",
            });
        }
    }

    private static string NetworkWords(double[][][] masks)
    {
        double kept = masks.Sum(layer => layer.Sum(row => row.Count(v => v != 0)));
        double all = masks.Sum(layer => layer.Sum(row => row.Length));
        int[] sizes = Sizes(masks);
        int lost = Nodes(sizes).Count(n => !IsConnected(masks, n.Layer, n.Index));
        return $"{string.Join("–", sizes)} neurons; {kept} of {all} synapses kept; {lost} neurons cut off";
    }

    private static int[] Sizes(double[][][] masks) => [masks[0][0].Length, .. masks.Select(layer => layer.Length)];

    private static IEnumerable<(int Layer, int Index)> Nodes(int[] sizes) =>
        sizes.SelectMany((size, layer) => Enumerable.Range(0, size).Select(index => (layer, index)));

    private static bool IsConnected(double[][][] masks, int layer, int index) =>
        (layer == 0 || masks[layer - 1][index].Any(v => v != 0)) && (layer == masks.Length || masks[layer].Any(row => row[index] != 0));

    private static double Place(int index, int count) => count == 1 ? 0.5 : 1 - ((double)index / (count - 1));
}
