using System.Globalization;
using Plotly.NET;
using TorchSharp;

namespace Workbook.Notebook;

public static partial class Draw
{
    /// <summary>How values are distributed; with a mask, what is kept and what is pruned in two colours.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="x">The values' name with their unit, for example "weight".</param>
    /// <param name="values">The values, any shape.</param>
    /// <param name="kept">1 where the value is kept, 0 where it is pruned; the values' shape.</param>
    /// <param name="thresholds">Where to draw vertical lines.</param>
    /// <param name="bins">How many bins.</param>
    /// <param name="logY">A logarithmic axis of counts, which keeps the tails visible.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="WorkbookException">There are no finite values, or the mask has another size.</exception>
    public static Figure Histogram(
        string title, string x, torch.Tensor values, torch.Tensor? kept = null, IEnumerable<double>? thresholds = null, int bins = 80, bool logY = false,
            int height = 380)
    {
        double[] all = Doubles(values);
        double[]? keep = kept is null ? null : Doubles(kept);
        double[] finite = [.. all.Where(double.IsFinite)];
        if (finite.Length == 0 || (keep is not null && keep.Length != all.Length))
        {
            throw new WorkbookException($"histogram \"{title}\": {finite.Length} finite values of {all.Length}, a mask of {keep?.Length ?? all.Length}: "
                + $"they need one shape and at least one value");
        }

        double low = finite.Min();
        double width = Math.Max((finite.Max() - low) / bins, 1e-12);
        int[] keptCounts = new int[bins];
        int[] prunedCounts = new int[bins];
        for (int i = 0; i < all.Length; i++)
        {
            if (double.IsFinite(all[i]))
            {
                int bin = Math.Min(bins - 1, (int)((all[i] - low) / width));
                (keep is null || keep[i] != 0 ? keptCounts : prunedCounts)[bin]++;
            }
        }

        double[] centers = [.. Enumerable.Range(0, bins).Select(i => Round(low + ((i + 0.5) * width)))];
        Trace Bars(string name, string color, int[] counts) => Plot.Trace("bar", new
        {
            name,
            x = centers,
            y = counts,
            // A little wider than its bin: rounding would leave hairlines between the bars.
            width = width * 1.02,
            showlegend = keep is not null,
            marker = new { color },
            hovertemplate = "%{x}: %{y}<extra>" + name + "</extra>",
        });

        List<Trace> traces = [Bars(keep is null ? "all" : "kept", Palette.Kept, keptCounts)];
        if (keep is not null)
        {
            traces.Insert(0, Bars("pruned", Palette.Pruned, prunedCounts));
        }

        double[] lines = [.. thresholds ?? []];
        object[] shapes = [.. lines.Select(at => new { type = "line", x0 = at, x1 = at, yref = "y domain", y0 = 0, y1 = 1,
            line = new { color = Palette.Neutral, width = 2, dash = "dash" } })];
        GenericChart chart = Plot.Chart(
            traces,
            ("barmode", "stack"),
            ("bargap", 0),
            ("shapes", shapes),
            ("xaxis", Plot.Axis(x)),
            ("yaxis", logY ? Plot.Axis("number of values (log)", ("type", "log"), ("dtick", 1)) : Plot.Axis("number of values")));
        string words = FormattableString.Invariant(
            $"{finite.Length:#,0} values from {Number(low)} to {Number(finite.Max())}, {Summary.Of(finite).ToString("0.####", CultureInfo.InvariantCulture)}")
            + (keep is null ? "" : FormattableString.Invariant($"; kept {keptCounts.Sum():#,0}, pruned {prunedCounts.Sum():#,0}"))
            + (lines.Length == 0 ? "" : $"; thresholds {string.Join(", ", lines.Select(Number))}");
        return new Figure(chart, title, words, height);
    }

    private static double[] Doubles(torch.Tensor tensor)
    {
        using torch.Tensor flat = tensor.detach().to(torch.float64).cpu().flatten().contiguous();
        return flat.data<double>().ToArray();
    }

    // Four digits are more than a screen shows, and keep the notebook small.
    private static double Round(double value) => double.IsFinite(value)
        ? double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : value;
}
