using System.Text.Json.Nodes;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Syntax;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Publishing;
using Workbook.Cli.Tests.Running;
using Xunit;
using Cells = Workbook.Cli.Tests.Running.Notebooks;

namespace Workbook.Cli.Tests.Report;

/// <summary>What a browser makes of formulas; it loads files only, and every request is looked at.</summary>
public sealed class FormulaTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public static TheoryData<string> Committed => [.. CommittedNotebookTests.Committed.Select(path => Path.GetFileName(path))];

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [MemberData(nameof(Committed))]
    public async Task Each_formula_of_a_notebook_is_drawn_without_a_network(string name)
    {
        string program = TestBrowser.Require();
        NotebookDocument notebook = NotebookReader.Read(CommittedNotebookTests.Committed.Single(path => Path.GetFileName(path) == name));
        notebook.ClearOutputs();
        MarkdownPipeline pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseMathematics().Build();
        int formulas = notebook.Cells.Where(cell => !NotebookDocument.IsCode(cell))
            .Sum(cell => Markdown.Parse(NotebookDocument.Source(cell), pipeline).Descendants().Count(part => part is MathInline or MathBlock));

        (JsonNode seen, IReadOnlyList<string> requests) = await SeeAsync(program, notebook);

        Assert.Equal(new string('\n', formulas), string.Join("", seen["drawn"]!.AsArray().Select(math => math!.GetValue<double>() > 3 ? "\n" : "empty")));
        Assert.Equal("[]", seen["errors"]!.ToJsonString());
        Assert.All(requests, address => Assert.StartsWith("file:", address, StringComparison.Ordinal));
        Assert.Equal(formulas > 0, requests.Any(address => address.EndsWith("temml.min.js", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Formulas_are_drawn_in_their_places_and_what_can_not_be_read_stays_as_it_is_written_and_is_marked()
    {
        string program = TestBrowser.Require();
        string text = "# A title\n\nLoss $\\mathcal{L} < 1$ falls; $\\unheard{x}$ and $\\frac{1}$ are none, and `$a$` is code: $$a \\odot "
            + "b$$\n\n$$\n\\sum_{i=1}^n \\hat{w}_i \\big( a' \\big)\n$$\n";
        JsonObject markdown = new() { ["cell_type"] = "markdown", ["metadata"] = new JsonObject(), ["source"] = text };
        (JsonNode seen, _) = await SeeAsync(program, NotebookReader.Read(_workspace.Write("n", Cells.Of(markdown))));

        Assert.Equal([@"\unheardx", @"\frac{1}"], seen["errors"]!.AsArray().Select(error => error!.ToString()));
        Assert.Equal("inline,inline,block,block", string.Join(',', seen["display"]!.AsArray()));
        Assert.Contains("<code>$a$</code>", seen["html"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_script_a_formula_reads_as_it_is_written()
    {
        MarkdownPage page = new(_ => null, _ => null);

        Assert.DoesNotContain("math", page.Render("no formula costs $5"), StringComparison.Ordinal);
        Assert.False(page.HasFormulas);
        Assert.Contains(@"\(a \lt b\)", page.Render(@"if $a \lt b$"), StringComparison.Ordinal);
        Assert.True(page.HasFormulas);
        Assert.Contains("\\[\na &lt; b\n\\]", page.Render("$$\na < b\n$$"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_bears_its_licence_and_brings_what_its_style_sheet_asks_for()
    {
        Dictionary<string, byte[]> files = Formulas.Files().ToDictionary(file => file.Name, file => file.Content);
        string script = System.Text.Encoding.UTF8.GetString(files["temml.min.js"]), style = System.Text.Encoding.UTF8.GetString(files["Temml-Local.css"]);

        Assert.StartsWith("/*! Temml", script, StringComparison.Ordinal);
        Assert.Contains("Permission is hereby granted, free of charge", script, StringComparison.Ordinal);
        Assert.Contains("url('Temml.woff2')", style, StringComparison.Ordinal);
        Assert.Equal("wOF2"u8.ToArray(), files["Temml.woff2"][..4]);
    }

    private async Task<(JsonNode Seen, IReadOnlyList<string> Requests)> SeeAsync(string program, NotebookDocument notebook)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string folder = _workspace.PathOf("site");
        ReportSite.Write(folder, [NotebookResult.Of(notebook, notebook.Path)], out _);
        await using Browser browser = await Browser.StartAsync(program, cancellation);
        BrowserPage page = await browser.OpenAsync(900, 900, dark: false, cancellation);
        await page.NavigateAsync(new Uri(Path.Combine(folder, notebook.Name + ".html")), cancellation);
        JsonNode seen = (await page.EvaluateAsync(
            """
            (async () => {
              await document.fonts.ready;
              const drawn = [...document.querySelectorAll('.md math')];
              return {
                drawn: drawn.map(math => math.getBoundingClientRect().width),
                display: drawn.map(math => math.getAttribute('display') === 'block' || math.classList.contains('tml-display') ? 'block' : 'inline'),
                errors: [...document.querySelectorAll('.math')]
                    .filter(place => !place.querySelector('math') || place.querySelector('.temml-error,[style*="178, 34, 34"]'))
                    .map(place => place.textContent.split('\n')[0]),
                html: document.querySelector('main').innerHTML,
              };
            })()
            """,
            cancellation))!;
        Assert.Empty(page.Errors);
        return (seen, [.. page.Requests]);
    }
}
