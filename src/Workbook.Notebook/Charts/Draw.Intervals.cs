using System.Globalization;
using System.Text;
using Plotly.NET;

namespace Workbook.Notebook;

public static partial class Draw
{
    /// <summary>A line for each method over levels that are spaced equally: means, with their intervals as error bars.</summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="x">The x axis with its unit.</param>
    /// <param name="y">The y axis with its unit.</param>
    /// <param name="series">A method, and its interval at each level, in the order in which the levels stand along x.</param>
    /// <param name="height">Height in pixels.</param>
    public static Figure Intervals(string title, string x, string y, IEnumerable<(string Name, (string Level, Interval Value)[] Points)> series,
        int height = 400)
    {
        (string Name, (string Level, Interval Value)[] Points)[] all = [.. series];
        bool several = all.Length > 1;
        StringBuilder words = new();
        List<Trace> traces = [];
        foreach (((string name, (string Level, Interval Value)[] points), string color) in all.Zip(Palette.ForAll(all.Select(s => s.Name))))
        {
            string[] texts = [.. points.Select(p => $"{p.Level}: {p.Value.ToString("G5", CultureInfo.InvariantCulture)}")];
            traces.Add(Plot.Trace("scatter", new
            {
                mode = "lines+markers",
                name,
                showlegend = several,
                x = points.Select(p => p.Level).ToArray(),
                y = points.Select(p => p.Value.Mean).ToArray(),
                error_y = new
                {
                    type = "data",
                    symmetric = false,
                    array = points.Select(p => p.Value.High - p.Value.Mean).ToArray(),
                    arrayminus = points.Select(p => p.Value.Mean - p.Value.Low).ToArray(),
                    color,
                    thickness = 1.5,
                },
                line = new { color, width = 2 },
                marker = new { color, size = 7 },
                text = texts,
                hovertemplate = "%{text}",
            }));
            words.AppendLine($"{name}: {string.Join("; ", texts)}");
        }

        GenericChart chart = Plot.Chart(traces, ("xaxis", Plot.Axis(x, ("type", "category"))), ("yaxis", Plot.Axis(y)));
        return new Figure(chart, title, words.ToString().TrimEnd(), height);
    }
}
