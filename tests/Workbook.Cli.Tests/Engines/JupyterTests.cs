using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>A committed notebook on the real .NET kernel under Jupyter, on its pages and in its window, with no network.</summary>
public sealed class JupyterTests : IDisposable
{
    private const string Name = "04-prune-your-own";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Nbconvert_runs_it_and_its_page_shows_every_chart_and_it_can_be_published()
    {
        string program = TestBrowser.Require();
        Jupyter.Require("jupyter-nbconvert");
        Jupyter jupyter = Prepare();
        (int exitCode, _, string errors) = jupyter.Run("jupyter", "nbconvert", "--to", "notebook", "--execute", "--output-dir", "executed",
            $"notebooks/{Name}.ipynb");
        Assert.True(exitCode == 0, errors);
        string executed = _workspace.PathOf("executed", Name + ".ipynb");
        (exitCode, _, errors) = jupyter.Run("jupyter", "nbconvert", "--to", "html", "--output", "page.html", executed);
        Assert.True(exitCode == 0, errors);
        await using (Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken))
        {
            int charts = NotebookReader.Read(executed).CodeCells.SelectMany(cell => cell["outputs"]!.AsArray())
                .Count(output => output!["data"]?["text/html"] is { } html
                    && MultilineText.FromNode(html)!.Contains("class=\"wb-chart\"", StringComparison.Ordinal));
            Assert.True(charts > 0);
            Assert.Equal((charts, 0), await TestBrowser.CountChartsAsync(browser, _workspace.PathOf("executed", "page.html")));
        }

        // The kernel begins with a script of its own that names this machine's addresses: nothing of it is published, and claims are claims.
        Assert.Contains("dotnet-interactive-this-cell", await File.ReadAllTextAsync(executed, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        (exitCode, string output, errors) = _workspace.Run("publish", $"notebooks/{Name}.ipynb", "--from", "executed");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("holds", output, StringComparison.Ordinal);
        string published = await File.ReadAllTextAsync(_workspace.PathOf("notebooks", Name + ".ipynb"), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("<script", published, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1", published, StringComparison.Ordinal);
        Assert.Contains("\"image/png\"", published, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_Jupyters_window_Run_All_draws_every_chart_and_nothing_is_red()
    {
        string program = TestBrowser.Require();
        Jupyter.Require("jupyter-notebook");
        Jupyter jupyter = Prepare();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        (Process server, Uri address) = jupyter.Serve();
        using (server)
        {
            try
            {
                await using Browser browser = await Browser.StartAsync(program, cancellation, address.Host);
                BrowserPage page = await browser.OpenAsync(1280, 1800, dark: false, cancellation);
                await UntilAsync("the server answers", async () => await AnswersAsync(address));
                await page.NavigateAsync(new Uri(address, $"notebooks/notebooks/{Name}.ipynb"), cancellation);
                const string connected = "!!(window.Jupyter?.notebook?._fully_loaded&&Jupyter.notebook.kernel?.is_connected())";
                await UntilAsync("the kernel is connected", () => IsAsync(page, connected));
                Assert.Equal(".net-csharp", $"{await page.EvaluateAsync("Jupyter.notebook.kernel.name", cancellation)}");
                await page.EvaluateAsync("Jupyter.notebook.clear_all_output();Jupyter.notebook.execute_all_cells();0", cancellation);
                await UntilAsync("every cell has run", () => IsAsync(page, "document.querySelectorAll('.code_cell.running').length===0"));
                await UntilAsync("every chart is drawn",
                    () => IsAsync(page, "[...document.querySelectorAll('.wb-chart')].every(c=>c.querySelector('.main-svg'))"));
                JsonNode seen = JsonNode.Parse($"{await page.EvaluateAsync(
                    """
                    JSON.stringify({
                      charts: document.querySelectorAll('.wb-chart').length,
                      drawn: [...document.querySelectorAll('.wb-chart')].filter(c => c.querySelector('.main-svg')).length,
                      claims: document.querySelectorAll('.wb-claim').length,
                      red: [...document.querySelectorAll('.output_error, .output_stderr')].map(o => o.textContent.slice(0, 300)) })
                    """, cancellation)}")!;
                Assert.True(seen["charts"]!.GetValue<int>() > 0 && seen["claims"]!.GetValue<int>() > 0, seen.ToJsonString());
                Assert.Equal(seen["charts"]!.GetValue<int>(), seen["drawn"]!.GetValue<int>());
                Assert.Equal("[]", seen["red"]!.ToJsonString());
            }
            finally
            {
                server.Kill(entireProcessTree: true);
                await server.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    // The notebook as it is, where its first cell finds this build.
    private Jupyter Prepare()
    {
        Jupyter jupyter = new(_workspace);
        jupyter.Register();
        _workspace.WriteText(Path.Combine("notebooks", Name + ".ipynb"), File.ReadAllText(Repository.PathOf("notebooks", Name + ".ipynb")));
        _workspace.WriteText("lab.csx", File.ReadAllText(Repository.PathOf("lab.csx")));
        return jupyter;
    }

    private static async Task<bool> IsAsync(BrowserPage page, string condition) =>
        (await page.EvaluateAsync(condition, TestContext.Current.CancellationToken))?.GetValue<bool>() == true;

    private static async Task<bool> AnswersAsync(Uri address)
    {
        using HttpClient client = new();
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(new Uri(address, "api"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(string what, Func<Task<bool>> condition)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < s_patience, $"not after {s_patience.TotalMinutes:0} minutes: {what}");
            await Task.Delay(500, TestContext.Current.CancellationToken);
        }
    }
}
