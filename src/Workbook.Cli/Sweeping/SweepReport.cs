using System.Globalization;
using System.Text;
using Workbook.Cli.Report;
using Workbook.Notebook;
using static System.Net.WebUtility;

namespace Workbook.Cli.Sweeping;

/// <summary>A sweep as one page that needs no other file and no network: first what was asked, last how it was run.</summary>
internal static class SweepReport
{
    private const int MostMissing = 50;

    /// <summary>Writes the page whole or not at all.</summary>
    /// <exception cref="WorkbookException">The file can't be written.</exception>
    public static void Write(string path, SweepSummary summary) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(Page(summary)));

    private static string Page(SweepSummary summary)
    {
        Sweep sweep = summary.Sweep;
        StringBuilder html = new();
        html.Append($"<main><h1>Sweep: {HtmlEncode(sweep.Name)}</h1>");
        AppendPoints(html, summary);
        AppendTrouble(html, summary);
        new SweepAnswer(html, summary).Append();
        AppendRun(html, summary);
        string plotly = PlotlyScript.Html().Replace("<script>", $"<script {ReportSite.OfThisPage}>", StringComparison.Ordinal);
        return ReportSite.Page($"Sweep: {sweep.Name}", html.Append("</main>").ToString(),
            head: $"<style>{SiteStyle.Css}</style>{plotly}<script {ReportSite.OfThisPage}>{PageScript.Text}</script>");
    }

    private static void AppendPoints(StringBuilder html, SweepSummary summary)
    {
        Sweep sweep = summary.Sweep;
        html.Append("<p>").Append(string.Join(" × ", sweep.Definition.Axes.Select(axis => $"<code>{HtmlEncode(axis.Name)}</code> {HtmlEncode(Values(axis))}")))
            .Append($": {Count(sweep.Points.Count)} points, {Count(summary.Finished.Count)} finished");
        html.Append(summary.Failed.Count > 0 ? $", <span class=\"fails\">{Count(summary.Failed.Count)} failed</span>" : "")
            .Append(summary.Missing.Count > 0 ? $", <span class=\"fails\">{Count(summary.Missing.Count)} not done</span>" : "").Append(".</p>");
        html.Append(summary.Over is null
            ? "<p class=\"quiet\">No parameter is averaged over, so that there are no intervals and no comparisons: sweep over one called "
                + "<code>seed</code>, or name another with <code>--over</code>.</p>"
            : "");
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
            html.Append($"<h2>Not done</h2><p>{HtmlEncode(string.Join("; ", summary.Missing.Take(MostMissing)))}"
                + $"{(summary.Missing.Count > MostMissing ? "; …" : "")}</p>");
        }
    }

    private static void AppendRun(StringBuilder html, SweepSummary summary)
    {
        html.Append("<h2>How it was run</h2>");
        if (summary.Finished.Count > 0)
        {
            double seconds = summary.Finished.Average(o => o.Seconds), processor = summary.Finished.Sum(o => o.ProcessorSeconds);
            html.Append(string.Create(CultureInfo.InvariantCulture,
                $"<p class=\"quiet\">{HtmlEncode(summary.RanOn)} · {HtmlEncode(summary.Sweep.Definition.Version)} · a point took {seconds:0.0} s on average "
                    + $"and at most {summary.Finished.Max(o => o.PeakMemory) / 1e6:0} MB, all together {processor / 60:0.0} min of processor time.</p>"));
        }

        html.Append("<p class=\"quiet\">").Append(summary.Over is null ? "" : "Intervals are 95 % percentile bootstrap intervals of the mean over "
            + $"<code>{HtmlEncode(summary.Over)}</code> (10,000 resamples). With fewer than about ten values they are too narrow. ")
            .Append("Every number of every point: points.csv, beside this page.</p>");
    }

    private static string Values(Axis axis) => axis.Values.Count <= 6 ? string.Join(", ", axis.Values)
        : $"{axis.Values[0]}, {axis.Values[1]}, …, {axis.Values[^1]} ({axis.Values.Count})";

    private static string Count(int count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
