using System.Globalization;
using System.Text;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Notebook;
using static System.Net.WebUtility;

namespace Workbook.Cli.Sweeping;

/// <summary>A sweep as one page that needs no other file and no network.</summary>
internal static class SweepReport
{
    /// <summary>Writes the page whole or not at all.</summary>
    /// <exception cref="WorkbookException">The file can't be written.</exception>
    public static void Write(string path, SweepSummary summary) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(Page(summary)));

    private static string Page(SweepSummary summary)
    {
        Sweep sweep = summary.Sweep;
        StringBuilder html = new();
        html.Append($"<main><h1>Sweep: {HtmlEncode(sweep.Name)}</h1>");
        AppendOverview(html, summary);
        AppendTrouble(html, summary);
        string caption = $"{RanOn(summary)} · {(summary.Over is null ? "single values" : $"means over {summary.Over}, bars: 95 % intervals")}";
        if (summary.Values.Count > 0)
        {
            html.Append("<h2>Measured</h2>");
        }

        foreach (MeasuredValue value in summary.Values)
        {
            AppendValue(html, summary, value, caption);
        }

        AppendComparisons(html, summary);
        string plotly = PlotlyScript.Html().Replace("<script>", $"<script {ReportSite.OfThisPage}>", StringComparison.Ordinal);
        return ReportSite.Page($"Sweep: {sweep.Name}", html.Append("</main>").ToString(),
            head: $"<style>{SiteStyle.Css}</style>{plotly}<script {ReportSite.OfThisPage}>{PageScript.Text}</script>");
    }

    private static void AppendOverview(StringBuilder html, SweepSummary summary)
    {
        Sweep sweep = summary.Sweep;
        html.Append("<p>").Append(string.Join(" × ", sweep.Definition.Axes.Select(axis => $"<code>{HtmlEncode(axis.Name)}</code> {HtmlEncode(Values(axis))}")))
            .Append($": {Count(sweep.Points.Count)} points, {Count(summary.Finished.Count)} finished");
        html.Append(summary.Failed.Count > 0 ? $", <span class=\"fails\">{Count(summary.Failed.Count)} failed</span>" : "")
            .Append(summary.Missing.Count > 0 ? $", <span class=\"fails\">{Count(summary.Missing.Count)} not done</span>" : "").Append(".</p>");
        if (summary.Finished.Count > 0)
        {
            double seconds = summary.Finished.Average(o => o.Seconds), processor = summary.Finished.Sum(o => o.ProcessorSeconds);
            html.Append(string.Create(CultureInfo.InvariantCulture,
                $"<p class=\"quiet\">{HtmlEncode(RanOn(summary))} · {HtmlEncode(sweep.Definition.Version)} · a point took {seconds:0.0} s on average and "
                    + $"at most {summary.Finished.Max(o => o.PeakMemory) / 1e6:0} MB, all together {processor / 60:0.0} min of processor time · every "
                        + $"number: points.csv</p>"));
        }

        html.Append(summary.Over is null
            ? "<p class=\"quiet\">No parameter is averaged over, so that there are no intervals and no comparisons: sweep over one called "
                + "<code>seed</code>, or name another with <code>--over</code>.</p>"
            : $"<p class=\"quiet\">Intervals are 95 % percentile bootstrap intervals of the mean over <code>{HtmlEncode(summary.Over)}</code> (10,000 "
                + $"resamples). With fewer than about ten values they are too narrow.</p>");
    }

    private static void AppendTrouble(StringBuilder html, SweepSummary summary)
    {
        if (summary.Failed.Count > 0)
        {
            Table failed = new("", "point", "error");
            foreach (PointOutcome failure in summary.Failed)
            {
                failed.Add(failure.Point.ToString(), failure.Error);
            }

            html.Append("<h2>Failed</h2>").Append(failed.ToBundle()["text/html"]).Append("<p class=\"quiet\"><code>--retry</code> runs them again.</p>");
        }

        if (summary.Missing.Count > 0)
        {
            html.Append($"<h2>Not done</h2><p>{HtmlEncode(string.Join("; ", summary.Missing.Take(50)))}{(summary.Missing.Count > 50 ? "; …" : "")}</p>");
        }
    }

    private static void AppendValue(StringBuilder html, SweepSummary summary, MeasuredValue value, string caption)
    {
        IReadOnlyList<Cell> cells = summary.CellsOf(value);
        string title = $"{value.Name}{(value.Unit.Length > 0 ? $" ({value.Unit})" : "")}";
        html.Append($"<h3>{HtmlEncode(title)}</h3>");
        bool[] judged = [.. summary.Finished.Select(o => o.Values.FirstOrDefault(v => v.Name == value.Name)?.Holds).OfType<bool>()];
        html.Append(judged.Length > 0 ? $"<p class=\"quiet\">The claim holds in {judged.Count(h => h)} of {judged.Length} points.</p>" : "");
        int along = Along(summary.Axes);
        if (along >= 0 && cells.Count > 1)
        {
            IEnumerable<(string, (string, Interval)[])> series = cells
                .GroupBy(cell => string.Join(' ', summary.Axes.Select((axis, i) => $"{axis.Name}={cell.Levels[i]}").Where((_, i) => i != along)))
                .Select(group => (group.Key.Length > 0 ? group.Key : value.Name,
                    group.Select(cell => (cell.Levels[along], Interval.Of(cell.ByReplicate.Values))).ToArray()));
            html.Append(ChartMarkup.Of(Draw.Intervals("", summary.Axes[along].Name, title, series).WithCaption(caption).ToBundle()["text/html"]));
        }

        Table table = new("", [.. summary.Axes.Select(axis => new Column(axis.Name)), summary.Over is null ? "measured" : "mean [95 % interval]", "values"]);
        foreach (Cell cell in cells)
        {
            Interval interval = Interval.Of(cell.ByReplicate.Values);
            table.Add([.. cell.Levels, SweepSummary.Text(interval), interval.Count]);
        }

        html.Append(table.ToBundle()["text/html"]);
    }

    private static void AppendComparisons(StringBuilder html, SweepSummary summary)
    {
        Comparison[] comparisons = [.. summary.Values.SelectMany(summary.Compare)];
        if (comparisons.Length == 0)
        {
            return;
        }

        Table table = new("", "value", "difference", "mean [95 % interval]", "higher in");
        foreach (Comparison c in comparisons)
        {
            table.Add(c.Value, c.What, SweepSummary.Text(c.Difference), $"{c.Higher} of {c.Difference.Count}");
        }

        html.Append("<h2>Paired comparisons</h2>")
            .Append($"<p class=\"quiet\">Each level against the parameter's first, at the same <code>{HtmlEncode(summary.Over!)}</code> and all else "
                + $"equal. An interval without 0 in it speaks for a difference; with {comparisons.Length} comparisons, expect "
                    + $"about {comparisons.Length * 0.05:0.#} such by chance.</p>")
            .Append(table.ToBundle()["text/html"]);
    }

    /// <summary>The parameter along x: the one with the most levels, numbers before names; −1 where none has two.</summary>
    private static int Along(IReadOnlyList<Axis> axes) => Enumerable.Range(0, axes.Count).Where(i => axes[i].Values.Count > 1)
        .OrderByDescending(i => axes[i].Values.All(v => double.TryParse(v, CultureInfo.InvariantCulture, out _))).ThenByDescending(i => axes[i].Values.Count)
            .FirstOrDefault(-1);

    private static string Values(Axis axis) => axis.Values.Count <= 6 ? string.Join(", ", axis.Values)
        : $"{axis.Values[0]}, {axis.Values[1]}, …, {axis.Values[^1]} ({axis.Values.Count})";

    private static string RanOn(SweepSummary summary) =>
        $"{(summary.Sweep.Definition.Dataset is { } dataset ? $"{dataset}, " : "")}{summary.Sweep.Definition.Profile} profile";

    private static string Count(int count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
