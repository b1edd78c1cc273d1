using System.Globalization;
using Plotly.NET;

namespace Workbook.Notebook;

/// <summary>plotly.js traces and layouts from plain objects, and the workbook's one theme.</summary>
internal static class Plot
{
    public const string Grid = "rgba(128,128,128,0.25)";

    /// <summary>A trace of a plotly.js type; the properties are plotly.js's, from any object.</summary>
    public static Trace Trace(string type, object properties) => Fill(new Trace(type), properties);

    /// <summary>An axis in the theme.</summary>
    public static Dictionary<string, object> Axis(string title, params (string Key, object Value)[] more)
    {
        Dictionary<string, object> axis = new()
        {
            ["title"] = new { text = title, standoff = 10 },
            ["gridcolor"] = Grid,
            ["zerolinecolor"] = Grid,
            ["linecolor"] = Palette.Neutral,
            ["tickcolor"] = Palette.Neutral,
            ["ticks"] = "outside",
            ["automargin"] = true,
        };
        foreach ((string key, object value) in more)
        {
            axis[key] = value;
        }

        return axis;
    }

    /// <summary>A logarithmic axis with whole numbers at its ticks: plotly.js itself writes 2 for 20 and 200.</summary>
    public static Dictionary<string, object> LogAxis(string title, IEnumerable<double> values)
    {
        double[] positive = [.. values.Where(value => value > 0)];
        double[] steps = positive.Length > 0 && positive.Max() > 1000 * positive.Min() ? [1] : [1, 2, 5];
        (int first, int last) = positive.Length > 0 ? (Decade(positive.Min()), Decade(positive.Max())) : (0, 1);
        double[] ticks = [.. Enumerable.Range(first, last - first + 2).SelectMany(decade => steps.Select(step => step * Math.Pow(10, decade)))];
        return Axis(title, ("type", "log"), ("tickvals", ticks), ("ticktext", ticks.Select(tick => tick is >= 1e-4 and < 1e6
            ? tick.ToString("#,0.####", CultureInfo.InvariantCulture)
            : $"10<sup>{Decade(tick)}</sup>").ToArray()));

        static int Decade(double value) => (int)Math.Floor(Math.Log10(value) + 1e-9);
    }

    /// <summary>An axis that only positions: no ticks, no grid.</summary>
    public static Dictionary<string, object> HiddenAxis(params (string Key, object Value)[] more)
    {
        Dictionary<string, object> axis = new() { ["visible"] = false };
        foreach ((string key, object value) in more)
        {
            axis[key] = value;
        }

        return axis;
    }

    /// <summary>The chart: traces, the theme's layout, and what the chart adds to it.</summary>
    public static GenericChart Chart(IEnumerable<Trace> traces, params (string Key, object Value)[] layout)
    {
        Layout all = Fill(new Layout(), new
        {
            autosize = true,
            paper_bgcolor = "rgba(0,0,0,0)",
            plot_bgcolor = "rgba(0,0,0,0)",
            // Each page's own text colour replaces this one when the chart is drawn.
            font = new { family = "system-ui, sans-serif", size = 13, color = Palette.Neutral },
            margin = new { l = 50, r = 15, t = 30, b = 45 },
            legend = new { orientation = "h", x = 0, y = 1.02, yanchor = "bottom", bgcolor = "rgba(0,0,0,0)" },
            hovermode = "closest",
        });
        foreach ((string key, object value) in layout)
        {
            all.SetProperty(key, value);
        }

        GenericChart chart = GenericChart.ofTraceObjects(false, Microsoft.FSharp.Collections.ListModule.OfSeq(traces));
        return GenericChart.setLayout(all, chart);
    }

    /// <summary>What is set of a trace or layout, by plotly.js's names.</summary>
    public static IEnumerable<KeyValuePair<string, object>> Properties(DynamicObj.DynamicObj part) => part.GetProperties(true);

    /// <summary>A copy of a trace with other properties beside its own.</summary>
    public static Trace With(Trace trace, params (string Key, object Value)[] more)
    {
        Trace copy = new(trace.type);
        foreach ((string key, object value) in Properties(trace).Select(p => (p.Key, p.Value)).Concat(more))
        {
            copy.SetProperty(key, value);
        }

        return copy;
    }

    private static T Fill<T>(T target, object properties)
        where T : DynamicObj.DynamicObj
    {
        foreach (System.Reflection.PropertyInfo property in properties.GetType().GetProperties())
        {
            if (property.GetValue(properties) is object value)
            {
                target.SetProperty(property.Name, value);
            }
        }

        return target;
    }
}
