using System.Text;
using Workbook.Cli.Running;
using Workbook.Notebook.Charts;

namespace Workbook.Cli.Report;

/// <summary>All notebooks of a run as one page that needs no other file and no network.</summary>
internal static class HtmlReport
{
    /// <summary>Writes the page whole or not at all.</summary>
    /// <exception cref="WorkbookException">The file can't be written.</exception>
    public static void Write(string path, IReadOnlyList<RunResult> results) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(Page(results)));

    private static string Page(IReadOnlyList<RunResult> results)
    {
        StringBuilder html = new();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Pruning Workbook</title>")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">")
            .Append("<style>").Append(ReportStyle.Css).Append("</style>")
            .Append(PlotlyScript.Html())
            .Append("</head><body><main><h1>Pruning Workbook</h1>");
        ReportedClaims.Append(html, results);
        NotebookSection[] sections = [.. results.Select((result, index) => new NotebookSection(result, $"notebook-{index + 1}"))];
        html.Append("<nav aria-label=\"Contents\"><h2>Contents</h2><ul>");
        foreach (NotebookSection section in sections)
        {
            section.AppendContents(html);
        }

        html.Append("</ul></nav>");
        foreach (NotebookSection section in sections)
        {
            section.Append(html);
        }

        return html.Append("</main></body></html>\n").ToString();
    }
}
