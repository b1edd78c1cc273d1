using System.Text.RegularExpressions;
using Workbook.Cli.Browsing;
using Workbook.Cli.Sweeping;
using Workbook.Cli.Tests.Browsing;
using Workbook.Notebook;
using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

/// <summary>A sweep's page: it answers what was asked.</summary>
public sealed partial class SweepPageTests : IDisposable
{
    private const string Methods = """
        #r "Workbook.Notebook.dll"
        using Workbook.Notebook;
        Lab.Record("test accuracy, dense", 98 + (0.1 * seed), "%");
        Lab.Record("test accuracy, magnitude", 98 - sparsity + (0.1 * seed), "%");
        Lab.Record("test accuracy, random", 98 - (20 * sparsity) + (0.1 * seed), "%");
        Lab.Record("epochs", 5);
        """;

    private const string ClaimsOfIt = """
        Claims.Ours("pruning.steady", "Pruning is <exact>", [1.5], Expect.Above(0), seeds: [seed]).Show();
        Claims.Ours("pruning.falls", $"With {100 * sparsity:0} % of the weights gone, chance loses accuracy", [20 * sparsity + 0.01 * seed],
            Expect.Above(15), "points", seeds: [seed]).Show();
        Claims.Published("pruning.paper", "The paper's error", 1.64, [2.0], "A paper, table 1", "%", seeds: [seed]).Show();
        """;

    private readonly SweepWorkspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task What_was_recorded_comes_first_with_all_methods_in_one_chart_and_claims_under_what_they_say()
    {
        string page = Page(_workspace, "n.ipynb", "-p", "seed=0..2", "-p", "sparsity=0.5,0.9");
        Assert.Equal(
            ["Test accuracy over sparsity", "Epochs", "Claims", "With … % of the weights gone, chance loses accuracy (points)", "Paired comparisons",
                "How it was run"],
            Heading().Matches(page).Select(match => match.Groups[1].Value));
        Assert.DoesNotContain("pruning.", page[page.IndexOf("<main>", StringComparison.Ordinal)..], StringComparison.Ordinal);

        // One chart for the methods and one for the claim that changes; the words of a chart stand in for it.
        Assert.Equal(2, Words().Count(page));
        Assert.Contains("dense: 0.5: 98.1 [98, 98.2]; 0.9: 98.1 [98, 98.2]<br>magnitude: 0.5: ", page, StringComparison.Ordinal);
        Assert.Contains("does not change dense: the same number", page, StringComparison.Ordinal);
        Assert.Contains("<code>sparsity</code> changes nothing here: the same number at each of its 2 values.", page, StringComparison.Ordinal);

        // What no axis changes: a row of a table.
        Assert.Contains("On these <code>sparsity</code> makes no difference beyond what <code>seed</code> makes", page, StringComparison.Ordinal);
        Assert.Matches("Pruning is &lt;exact&gt;</td><td[^>]*>1.500</td><td[^>]*>&gt; 0</td><td[^>]*>6 of 6</td>", page);
        Assert.Contains("The claim holds in 3 of 6 points (expected &gt; 15 points).", page, StringComparison.Ordinal);
        Assert.Contains("1 claim is not measured here", page, StringComparison.Ordinal);

        await using Browser browser = await Browser.StartAsync(TestBrowser.Require(), TestContext.Current.CancellationToken);
        string file = _workspace.PathOf("page.html");
        await File.WriteAllTextAsync(file, page, TestContext.Current.CancellationToken);
        Assert.Equal(2, await TestBrowser.LookAtAsync(browser, file, 1280, dark: false));
        Assert.Equal(2, await TestBrowser.LookAtAsync(browser, file, 390, dark: true));
    }

    [Fact]
    public void A_second_axis_makes_lines_and_one_that_changes_nothing_makes_none()
    {
        _workspace.Write("int seed = 0;\ndouble sparsity = 0.5;\nstring scope = \"layer\";\nint spare = 1;",
            SweepWorkspace.Record("gain", "seed + sparsity + scope.Length"));
        string page = Run(_workspace, "n.ipynb", "-p", "seed=0,1", "-p", "scope=layer,global", "-p", "sparsity=0.5,0.9,0.95", "-p", "spare=1,2");
        Assert.Contains("<h2>Gain over sparsity and scope</h2>", page, StringComparison.Ordinal);
        Assert.Contains("<code>spare</code> changes nothing here", page, StringComparison.Ordinal);
        Assert.Contains("scope=layer: 0.5: 6 [5.5, 6.5]; 0.9: 6.4 [5.9, 6.9]; 0.95: 6.45", page, StringComparison.Ordinal);
        Assert.Equal(1, Words().Count(page));
        Assert.DoesNotContain("spare 2", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(97.4132, 97.3044, 97.5189, "97.41 [97.30, 97.52]")]
    [InlineData(97.4132, 97.4101, 97.4169, "97.413 [97.410, 97.417]")]
    [InlineData(90.5067, 90.5, 90.52, "90.507 [90.500, 90.520]")]
    [InlineData(10.9, 0.9, 20.9, "11 [1, 21]")]
    [InlineData(12345.6, 12001, 12699, "12346 [12001, 12699]")]
    [InlineData(97.4132, 97.4132, 97.4132, "97.41")]
    [InlineData(0, 0, 0, "0.00")]
    [InlineData(1.234567e-7, 1.1e-7, 1.3e-7, "1.235E-7 [1.1E-7, 1.3E-7]")]
    public void Numbers_have_the_digits_that_their_interval_allows(double mean, double low, double high, string expected) =>
        Assert.Equal(expected, SweepSummary.Text(new Interval(mean, low, high, 5)));

    private static string Page(SweepWorkspace workspace, params string[] arguments)
    {
        workspace.Write("int seed = 0;\ndouble sparsity = 0.5;", Methods, ClaimsOfIt);
        return Run(workspace, arguments);
    }

    private static string Run(SweepWorkspace workspace, params string[] arguments) => File.ReadAllText(
        workspace.Run(0, arguments).Output.Split('\n').Single(line => line.EndsWith("report.html", StringComparison.Ordinal)));

    [GeneratedRegex("<h[23]>(.*?)</h[23]>")]
    private static partial Regex Heading();

    [GeneratedRegex("class=\"chart-data\"")]
    private static partial Regex Words();
}
