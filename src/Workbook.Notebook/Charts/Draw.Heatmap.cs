using Plotly.NET;
using TorchSharp;

namespace Workbook.Notebook;

public static partial class Draw
{
    /// <summary>A matrix as coloured cells: a mask (0 and 1), weights (around 0), or counts.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="unit">What a cell's colour says, with its unit.</param>
    /// <param name="x">What the columns are.</param>
    /// <param name="y">What the rows are.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="columns">What stands at the columns in place of their numbers.</param>
    /// <param name="marks">Names that stand over the cells, each at a column and a row, which need not be whole.</param>
    /// <exception cref="WorkbookException">The tensor has not two dimensions.</exception>
    public static Figure Heatmap(
        string title, torch.Tensor matrix, string unit, string x = "column", string y = "row", int height = 440,
            IReadOnlyList<string>? columns = null, IEnumerable<(string Name, double Column, double Row)>? marks = null)
    {
        double[][] cells = Cells(title, matrix);
        Coloring coloring = Coloring.For(cells);
        // Long matrices would vanish as square cells.
        bool square = Math.Max(cells.Length, cells[0].Length) <= 4 * Math.Min(cells.Length, cells[0].Length);
        (string, object)[] anchor = square ? [("scaleanchor", "x"), ("constrain", "domain")] : [];
        (string, object)[] ticks = columns is null ? []
            : [("tickvals", Enumerable.Range(0, columns.Count).ToArray()), ("ticktext", columns.Select(Escape).ToArray())];
        (string Name, double Column, double Row)[] marked = [.. marks ?? []];
        object[] texts = [.. marked.Select(m => new
        {
            text = Escape(m.Name),
            x = m.Column,
            y = m.Row,
            showarrow = false,
            bgcolor = "#fff",
            opacity = 0.85,
            font = new { color = "#222" } // on dark pages too
        })];
        (string, object)[] names = texts.Length == 0 ? [] : [("annotations", texts)];
        GenericChart chart = Plot.Chart(
            [.. HeatmapTraces(cells, coloring, unit, "", showScale: true), .. coloring.Legend(unit, cells)],
            [("xaxis", Plot.Axis(x, [("constrain", "domain"), ("showgrid", false), ("zeroline", false), .. ticks])),
            ("yaxis", Plot.Axis(y, [("autorange", "reversed"), ("showgrid", false), ("zeroline", false), .. anchor])), .. names]);
        string words = Words(unit, cells) + string.Concat(marked.Select(m => $"; {m.Name} at column {m.Column:F0}, row {m.Row:F0}"));
        return new Figure(chart, title, words, height) { Shape = square ? ((double)cells.Length / cells[0].Length, 40) : null };
    }

    /// <summary>Several matrices of one kind side by side, with one colour scale.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="matrices">A name and a [rows, columns] tensor each.</param>
    /// <param name="unit">What a cell's colour says, with its unit.</param>
    /// <param name="columns">How many in a row.</param>
    /// <exception cref="WorkbookException">There are none, or a tensor has not two dimensions.</exception>
    public static Figure Heatmaps(string title, IEnumerable<(string Name, torch.Tensor Matrix)> matrices, string unit, int columns = 4)
    {
        (string Name, double[][] Cells)[] all = [.. matrices.Select(m => (m.Name, Cells(title, m.Matrix)))];
        if (all.Length == 0)
        {
            throw new WorkbookException($"heat maps \"{title}\": no matrix was given");
        }

        Coloring coloring = Coloring.For(all.SelectMany(m => m.Cells));
        columns = Math.Clamp(columns, 1, all.Length);
        int rows = (all.Length + columns - 1) / columns;
        List<Trace> traces = [];
        List<(string, object)> layout = [];
        List<object> names = [];
        for (int i = 0; i < all.Length; i++)
        {
            (double left, double right) = Slot(i % columns, columns, 0.03);
            (double below, double above) = Slot(rows - 1 - (i / columns), rows, 0.02);
            above -= 0.12 / rows;
            string suffix = i == 0 ? "" : $"{i + 1}";
            traces.AddRange(HeatmapTraces(all[i].Cells, coloring, unit, suffix, showScale: i == 0));
            layout.Add(("xaxis" + suffix, Plot.HiddenAxis(("domain", new[] { left, right }), ("anchor", "y" + suffix), ("constrain", "domain"))));
            layout.Add(("yaxis" + suffix, Plot.HiddenAxis(
                ("domain", new[] { below, above }), ("anchor", "x" + suffix), ("autorange", "reversed"), ("scaleanchor", "x" + suffix),
                    ("constrain", "domain"), ("constraintoward", "top"))));
            names.Add(PanelName(all[i].Name, (left + right) / 2, above));
        }

        layout.Add(("annotations", names.ToArray()));
        string words = string.Join('\n', all.Select(m => $"{m.Name}: {Words(unit, m.Cells)}"));
        double ratio = (double)rows / columns * all[0].Cells.Length / all[0].Cells[0].Length;
        int extra = (rows * 24) + 30;
        layout.Add(("margin", new { l = 5, r = 5, t = 30, b = 5 }));
        traces.AddRange(coloring.Legend(unit, all.SelectMany(m => m.Cells)));
        return new Figure(Plot.Chart(traces, [.. layout]), title, words, (int)(ratio * 900) + extra) { Shape = (ratio, extra) };
    }

    /// <summary>A grid of images such as MNIST's, each under its label.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="images">Grey bytes, row after row, <paramref name="side"/> × <paramref name="side"/> each.</param>
    /// <param name="labels">What stands above each image.</param>
    /// <param name="columns">How many in a row.</param>
    /// <param name="side">Pixels a side.</param>
    /// <exception cref="WorkbookException">There are no images, one has another size, or labels are missing.</exception>
    public static Figure Images(string title, IEnumerable<byte[]> images, IEnumerable<string> labels, int columns = 10, int side = 28)
    {
        byte[][] all = [.. images];
        string[] names = [.. labels];
        if (all.Length == 0 || names.Length != all.Length || all.Any(image => image.Length != side * side))
        {
            throw new WorkbookException($"images \"{title}\": {all.Length} images and {names.Length} labels: each image needs {side * side} bytes and one "
                + $"label");
        }

        const int Top = 14;
        columns = Math.Clamp(columns, 1, all.Length);
        int rows = (all.Length + columns - 1) / columns;
        int?[][] sheet = [.. Enumerable.Range(0, rows * (side + Top)).Select(_ => new int?[columns * (side + 2)])];
        List<object> annotations = [];
        for (int i = 0; i < all.Length; i++)
        {
            int left = i % columns * (side + 2);
            int top = (i / columns * (side + Top)) + Top;
            for (int p = 0; p < all[i].Length; p++)
            {
                sheet[top + (p / side)][left + (p % side)] = all[i][p];
            }

            annotations.Add(new
            {
                text = Escape(names[i]),
                x = left + (side / 2.0),
                y = top - 1,
                yanchor = "bottom",
                showarrow = false,
                font = new { size = 12 }
            });
        }

        double ratio = (double)(rows * (side + Top)) / (columns * (side + 2));
        Trace trace = Plot.Trace("heatmap", new
        {
            z = sheet,
            zmin = 0,
            zmax = 255,
            showscale = false,
            hoverinfo = "skip",
            colorscale = new object[] { new object[] { 0, "#000" }, new object[] { 1, "#fff" } }
        });
        GenericChart chart = Plot.Chart(
            [trace],
            ("margin", new { l = 0, r = 0, t = 14, b = 0 }),
            ("annotations", annotations.ToArray()),
            ("xaxis", Plot.HiddenAxis(("constrain", "domain"), ("constraintoward", "left"), ("fixedrange", true))),
            ("yaxis", Plot.HiddenAxis(("autorange", "reversed"), ("scaleanchor", "x"), ("constrain", "domain"), ("constraintoward", "top"),
                ("fixedrange", true))));
        return new Figure(chart, title, $"{all.Length} images: {string.Join(", ", names)}", (int)(ratio * 900) + 20) { Shape = (ratio, 20) };
    }

    /// <summary>The cells, and over them those without a number: no colour of the scale is theirs.</summary>
    private static IEnumerable<Trace> HeatmapTraces(double[][] cells, Coloring coloring, string unit, string axis, bool showScale)
    {
        yield return Plot.Trace("heatmap", new
        {
            z = coloring.Integers
                ? (object)cells.Select(row => row.Select(v => double.IsFinite(v) ? (long?)v : null).ToArray()).ToArray()
                : cells.Select(row => row.Select(v => double.IsFinite(v) ? (double?)v : null).ToArray()).ToArray(),
            xaxis = "x" + axis,
            yaxis = "y" + axis,
            zmin = coloring.Low,
            zmax = coloring.High,
            colorscale = coloring.Scale,
            showscale = showScale && !coloring.Mask,
            colorbar = Coloring.Bar(unit),
            hovertemplate = "column %{x}, row %{y}: %{z}<extra></extra>",
        });
        if (!cells.All(row => row.All(double.IsFinite)))
        {
            yield return Plot.Trace("heatmap", new
            {
                z = cells.Select(row => row.Select(v => double.IsFinite(v) ? (int?)null : 1).ToArray()).ToArray(),
                text = cells.Select(row => row.Select(v => double.IsFinite(v) ? "" : Number(v)).ToArray()).ToArray(),
                xaxis = "x" + axis,
                yaxis = "y" + axis,
                colorscale = Coloring.NotFinite,
                showscale = false,
                hovertemplate = "column %{x}, row %{y}: %{text}<extra></extra>",
            });
        }
    }

    private static double[][] Cells(string title, torch.Tensor matrix)
    {
        if (matrix.shape is not [> 0 and var rows, > 0 and var columns])
        {
            throw new WorkbookException($"heat map \"{title}\": a tensor of [rows, columns] is needed, got [{string.Join(", ", matrix.shape)}]");
        }

        double[] flat = Doubles(matrix);
        return [.. Enumerable.Range(0, (int)rows).Select(r => flat.Skip(r * (int)columns).Take((int)columns).Select(Round).ToArray())];
    }

    private static (double Start, double End) Slot(int index, int count, double gap)
    {
        double width = (1 - (gap * (count - 1))) / count;
        double start = index * (width + gap);
        return (start, start + width);
    }

    private static object PanelName(string name, double x, double y) =>
        new { text = Escape(name), xref = "paper", yref = "paper", x, y, xanchor = "center", yanchor = "bottom", showarrow = false, font = new { size = 12 } };

    // plotly.js reads a few tags in its texts.
    private static string Escape(string text) => text.Replace("<", "&lt;", StringComparison.Ordinal);

    private static string Words(string unit, double[][] cells)
    {
        double[] all = [.. cells.SelectMany(row => row)], finite = [.. all.Where(double.IsFinite)];
        string range = finite.Length == 0 ? "no finite value" : $"{Number(finite.Min())} to {Number(finite.Max())}, mean {Number(finite.Average())}";
        string odd = finite.Length == all.Length ? "" : FormattableString.Invariant($", {all.Length - finite.Length:#,0} are not finite");
        return FormattableString.Invariant($"{cells.Length} × {cells[0].Length}, {unit}: {range}, {all.Count(v => v == 0):#,0} of {all.Length:#,0} are 0{odd}");
    }
}
