using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Publishing;

/// <summary>What Jupyter makes of the notebooks: pages whose charts are all there, without a network.</summary>
public sealed class NbconvertTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task An_executed_notebook_shows_its_charts_in_the_new_pages_and_in_the_classic_ones()
    {
        string program = RequireBoth();
        string path = _workspace.Write(
            "n",
            "#!import " + Repository.PathOf("lab.csx"),
            "Draw.Lines(\"A\", \"step\", \"loss\", [new Series(\"sgd\", [1, 2, 3], [3.0, 2.0, 1.0])]).Show();",
            "Draw.Heatmap(\"B\", rand(4, 4), \"weight\").Show();");
        (int exitCode, _, string errors) = _workspace.Run("run", path);
        Assert.True(exitCode == 0, errors);
        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        foreach (string template in new[] { "lab", "classic" })
        {
            Assert.Equal((2, 0), await LookAtAsync(browser, _workspace.PathOf("artifacts", "run", "n.ipynb"), template));
        }
    }

    [Fact]
    public async Task Committed_and_executed_notebooks_show_every_chart()
    {
        string program = RequireBoth();
        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        foreach (string path in CommittedNotebookTests.Committed.Concat(CommittedNotebookTests.Executed))
        {
            JsonObject[] shown = [.. NotebookReader.Read(path).CodeCells.SelectMany(cell => cell["outputs"]!.AsArray()).Select(output => output!["data"])
                .OfType<JsonObject>()];
            int live = shown.Count(data => data["text/html"] is { } html && MultilineText.FromNode(html)!.Contains("wb-chart", StringComparison.Ordinal));
            int still = shown.Count(data => data.ContainsKey("image/png"));
            Assert.True(live + still > 0, $"{path} has no charts");
            (int liveSeen, int stillSeen) = await LookAtAsync(browser, path, "lab");
            Assert.Equal((path, live, still), (path, liveSeen, stillSeen));
        }
    }

    private static string RequireBoth()
    {
        string program = TestBrowser.Require();
        Assert.SkipWhen(Jupyter("nbconvert", "--version") != 0, "no jupyter-nbconvert on this machine");
        return program;
    }

    private async Task<(int Live, int Still)> LookAtAsync(Browser browser, string notebook, string template)
    {
        string page = _workspace.PathOf($"{Path.GetFileNameWithoutExtension(notebook)}-{template}.html");
        Assert.Equal(0, Jupyter("nbconvert", "--to", "html", "--template", template, "--output", page, notebook));
        return await TestBrowser.CountChartsAsync(browser, page);
    }

    private static int Jupyter(params string[] arguments)
    {
        try
        {
            return Workspace.Finish(Process.Start(
                new ProcessStartInfo("jupyter", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!).ExitCode;
        }
        catch (Win32Exception)
        {
            return 1;
        }
    }
}
