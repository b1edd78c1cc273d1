using System.Security.Cryptography;
using System.Text;
using Workbook.Notebook;

namespace Workbook.Cli.Report;

/// <summary>
/// What cells showed that is more than text, tables and pictures: pages of their own, which run in a frame without an origin. There they reach neither
/// the page nor the files beside it nor the network.
/// </summary>
/// <param name="notebook">The notebook's name.</param>
internal sealed class OutputFrames(string notebook)
{
    /// <summary>The folder of these pages, in the site's.</summary>
    public const string Folder = "outputs";

    // From a file, a frame without an origin can load no script that lies beside it: plotly.js is in the page where somebody wants it.
    private const string Policy = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'unsafe-inline'; img-src data: blob:; "
        + "font-src data:; media-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'";

    private readonly List<(string Name, string Html)> _pages = [];

    // Notebooks may be called anything, and as long as a name of a file can be.
    private readonly string _prefix = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(notebook)))[..12];

    /// <summary>The pages so far: name in the site's folder, and content.</summary>
    public IReadOnlyList<(string Name, string Html)> Pages => _pages;

    /// <summary>Gives an output its page, and returns the frame that shows it.</summary>
    public string Add(string html)
    {
        string name = $"{Folder}/{_prefix}-{_pages.Count + 1}.html";
        string plotly = html.Contains("Plotly", StringComparison.Ordinal) ? PlotlyScript.Html() : "";
        _pages.Add((name, ReportSite.Page("Output", html, Policy, $$"""
            <style>body{margin:0;font:15px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}</style>{{plotly}}<script>
            new ResizeObserver(() => parent.postMessage({ height: document.documentElement.offsetHeight }, '*')).observe(document.documentElement);
            </script>
            """)));
        return $"<iframe class=\"frame\" sandbox=\"allow-scripts\" src=\"{name}\" title=\"What the cell showed\"></iframe>";
    }
}
