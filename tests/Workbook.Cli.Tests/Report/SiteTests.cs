using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TorchSharp;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Publishing;
using Workbook.Notebook;
using Workbook.Notebook.Tests;
using Xunit;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Cli.Tests.Report;

/// <summary>The site written here shows every chart: look at it, or at its pictures, in artifacts/gallery.</summary>
[Collection(OneNotebook.Name)]
public class SiteTests
{
    [Fact]
    public void The_site_holds_everything_itself_and_its_script_once()
    {
        string folder = Gallery();
        ReportSite.Write(folder, [Everything() with { Name = "of-an-earlier-run" }], out _);
        Assert.Equal(Path.Combine(folder, "index.html"), ReportSite.Write(folder, [Everything()], out _));
        Assert.Equal(
            ["00-what-pruning-is.html", "00-what-pruning-is.ipynb", "Temml-Local.css", "Temml.woff2", "claims.json", "index.html", "plotly.min.js",
                "report.js", "style.css", "temml.min.js"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        File.WriteAllText(Path.Combine(folder, "mine.html"), "somebody else's");
        ReportSite.Write(folder, [Everything()], out _);
        Assert.Equal("somebody else's", File.ReadAllText(Path.Combine(folder, "mine.html")));
        foreach (string page in Directory.GetFiles(folder, "*.html").Select(File.ReadAllText))
        {
            Assert.Empty(Regex.Matches(page, @"(src|srcset|@import|<link)[^>]{0,20}(https?:)?//", RegexOptions.IgnoreCase));
            Assert.True(page.Length < 1_000_000, "plotly.js is in the page itself");
        }

        string index = File.ReadAllText(Path.Combine(folder, "index.html"));
        Assert.Contains("does not hold", index, StringComparison.Ordinal);
        Assert.Contains("not measured here (needs profile paper)", index, StringComparison.Ordinal);
        Assert.Contains("+0.56 %", index, StringComparison.Ordinal);
        Assert.Contains("t10k-labels-idx1-ubyte.gz", index, StringComparison.Ordinal);
    }

    [Fact]
    public void A_notebook_called_index_leaves_the_first_page_its_place()
    {
        string folder = Gallery();
        string index = File.ReadAllText(ReportSite.Write(folder, [Everything() with { Name = "index" }], out _));
        Assert.Contains("<a href=\"index-notebook.html\">", index, StringComparison.Ordinal);
        Assert.Contains("DivideByZeroException", File.ReadAllText(Path.Combine(folder, "index-notebook.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_cell_prints_is_text_and_formulas_can_be_read_without_a_script()
    {
        string folder = Gallery();
        ReportSite.Write(folder, [Everything()], out _);
        string page = File.ReadAllText(Path.Combine(folder, "00-what-pruning-is.html"));

        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
        Assert.Contains("<span class=\"math\">\\(w_i \\leq 0\\)</span>", page, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,iVBOR", page, StringComparison.Ordinal);
        Assert.Contains("DivideByZeroException: Attempted", page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"#part-1\">What pruning is</a>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_that_cannot_be_written_is_one_clear_line()
    {
        string file = Path.Combine(Gallery(), "a-file");
        File.WriteAllText(file, "");
        WorkbookException fault = Assert.Throws<WorkbookException>(() => ReportSite.Write(file, [], out _));
        Assert.StartsWith($"the report can't be written to {file}: ", fault.Message, StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task Every_chart_is_drawn_and_nothing_is_wider_than_the_page_on_a_screen_and_on_a_phone_light_and_dark()
    {
        string program = TestBrowser.Require();
        string folder = Gallery();
        ReportSite.Write(folder, [Everything()], out _);
        string page = Path.Combine(folder, "00-what-pruning-is.html");
        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        foreach ((int width, bool dark) in new[] { (1280, false), (390, true) })
        {
            Assert.Equal(1, await TestBrowser.LookAtAsync(browser, Path.Combine(folder, "index.html"), width, dark,
                Path.Combine(folder, $"index-{width}.png")));
            Assert.Equal(12, await TestBrowser.LookAtAsync(browser, page, width, dark, Path.Combine(folder, $"page-{width}.png")));
        }
    }

    [Fact]
    public async Task Folded_answers_open_words_are_found_and_the_first_picture_is_this_runs_own()
    {
        string program = TestBrowser.Require();
        string folder = Directory.CreateDirectory(Path.Combine(Gallery(), "folded")).FullName;
        Figure figure = Draw.Lines("t", "x", "y", [new("a", [0, 1], [[1, 2]])]);
        JsonObject chart = Code("figure.Show();", new JsonObject
        {
            ["output_type"] = "display_data",
            ["data"] = new JsonObject([.. figure.ToBundle().Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))])
        });
        chart["metadata"] = new JsonObject { ["tags"] = new JsonArray("picture:own") };
        JsonArray cells = [Markdown("# Folded\n\n![its words](images/own.png)\n\n"
            + "![only &lt;script&gt; words](images/others.png)\n\nWhat is [sparsity](../docs/glossary.md#sparsity)?\n\n"
            + "<details onclick=\"alert(1)\"><summary>Answer</summary>\n\nIt is **the** answer.\n\n"
            + "```csharp\nint x = 1;\n```\n\n<script>alert(1)</script></details>"), chart];
        JsonObject notebook = new() { ["cells"] = cells, ["metadata"] = new JsonObject(), ["nbformat"] = 4, ["nbformat_minor"] = 5 };
        ReportSite.Write(folder, [new("folded", "in.ipynb", "out.ipynb", notebook, [], [], TimeSpan.FromSeconds(1), null)], out _);

        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        string file = Path.Combine(folder, "folded.html");
        Assert.Equal(2, await TestBrowser.LookAtAsync(browser, file, 1280, dark: false));
        BrowserPage page = await browser.OpenAsync(390, 900, dark: false, TestContext.Current.CancellationToken);
        await page.NavigateAsync(new Uri(file), TestContext.Current.CancellationToken);
        JsonNode? seen = await page.EvaluateAsync("""
            (() => {
              const box = document.querySelector('.md details'), strong = box.querySelector('strong');
              const before = strong.checkVisibility();
              box.querySelector('summary').click();
              return [before, strong.checkVisibility(), box.querySelector('pre code').textContent.trim(), box.outerHTML.includes('alert'),
                document.querySelector('p.quiet:not(:first-child)').textContent, document.querySelectorAll('img').length];
            })()
            """, TestContext.Current.CancellationToken);
        Assert.Equal("""[false,true,"int x = 1;",false,"only \u003Cscript\u003E words",0]""", seen!.ToJsonString());
        Assert.Contains("id=\"sparsity\"", await File.ReadAllTextAsync(Path.Combine(folder, "glossary.html"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        await TestBrowser.LookAtAsync(browser, Path.Combine(folder, "glossary.html"), 390, dark: true);
    }

    [Fact]
    public async Task The_notebooks_own_pages_fit_a_screen_and_a_phone()
    {
        string program = TestBrowser.Require();
        string folder = Path.Combine(Gallery(), "notebooks");
        NotebookResult[] results = [.. CommittedNotebookTests.Committed.Select(NotebookReader.Read).Select(n => NotebookResult.Of(n, n.Path))];
        ReportSite.Write(folder, results, out _);
        Assert.False(Directory.Exists(Path.Combine(folder, "outputs")), "what the library shows needs no frame");
        string[] folders = [folder, .. CommittedNotebookTests.Executed.Select(path => Path.Combine(Path.GetDirectoryName(path)!, "site")).Distinct()];
        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        foreach (string page in folders.SelectMany(site => Directory.GetFiles(site, "*.html")))
        {
            await TestBrowser.LookAtAsync(browser, page, 1280, dark: true);
            await TestBrowser.LookAtAsync(browser, page, 390, dark: false);
        }
    }

    private static string Gallery()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (folder.Name != "artifacts" && folder.Parent is not null)
        {
            folder = folder.Parent;
        }

        DirectoryInfo gallery = Directory.CreateDirectory(Path.Combine(folder.FullName, "gallery"));
        foreach (FileInfo file in gallery.GetFiles())
        {
            file.Delete();
        }

        return gallery.FullName;
    }

    private static NotebookResult Everything()
    {
        Lab.Describe("mnist", "MNIST", seeds: Enumerable.Range(0, 5), trainingImages: 20_000);
        List<IShowable> values = Values();
        Claim[] claims = [.. values.OfType<Claim>()];
        Lab.Describe("");
        JsonArray cells =
        [
            Markdown("# What pruning is\n\nA weight goes where $w_i \\leq 0$; see [Han et al. 2015](https://arxiv.org/abs/1506.02626).\n\n$$\\mathcal{L}(w "
                + "\\odot m) = \\frac{1}{N} \\sum_i \\ell(f(x_i; w \\odot m), y_i)$$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
            Code("// a comment\nvar text = \"<b>\" + 1;\nforeach (var x in xs) { Console.WriteLine(x); }",
                new JsonObject { ["output_type"] = "stream", ["name"] = "stdout",
                    ["text"] = new JsonArray("<script>alert(1)</script>\n", new string('x', 300)) },
                new JsonObject { ["output_type"] = "display_data",
                    ["data"] = new JsonObject { ["image/png"] =
                        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==" } },
                new JsonObject { ["output_type"] = "execute_result", ["data"] = new JsonObject { ["text/plain"] = "42" } },
                new JsonObject { ["output_type"] = "error", ["ename"] = "DivideByZeroException", ["evalue"] = "Attempted to divide by zero.",
                    ["traceback"] = new JsonArray() }),
            Markdown("## Every chart"),
            .. values.Select(value => Code("chart.Show();", new JsonObject
            {
                ["output_type"] = "display_data",
                ["data"] = new JsonObject([.. value.ToBundle().Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))]),
            })),
        ];
        return new NotebookResult("00-what-pruning-is", "in.ipynb", "out.ipynb",
            new JsonObject { ["cells"] = cells, ["metadata"] = new JsonObject(), ["nbformat"] = 4, ["nbformat_minor"] = 5 }, claims, [],
                TimeSpan.FromSeconds(12.3), null);
    }

    private static List<IShowable> Values()
    {
        torch.random.manual_seed(1);
        double[] sparsities = [0, 0.8, 0.9, 0.95, 0.98, 0.99];
        Series Curve(string name, double start, double fall) =>
            new(name, sparsities, [.. Enumerable.Range(0, 5)
                .Select(seed => sparsities.Select((_, i) => start - (fall * i * i) + (Math.Sin((seed * 7) + i) * (0.2 + (i * fall / 4)))).ToArray())]);
        torch.Tensor weights = torch.randn(300, 784) * 0.05;
        torch.Tensor kept = weights.abs().gt(0.08).to(torch.float32);
        return
        [
            Draw.Sparsity("Accuracy after magnitude pruning, with and without fine-tuning, and random pruning as the control", "test accuracy (%)",
                [Curve("iterative", 97.5, 0.05), Curve("fine-tuned", 97.5, 0.1), Curve("no fine-tuning", 97.4, 1.2), Curve("random", 96, 0.4),
                    Curve("gradient·weight", 96.8, 0.25)], reference: [97.6, 97.7, 97.4]),
            Draw.Histogram("Weights of the first layer: what a threshold removes", "weight", weights, kept, [-0.08, 0.08]),
            Draw.Histogram("The same, counts on a logarithmic axis", "weight", weights, logY: true),
            Draw.Heatmap("Connections of each input pixel", kept.sum(0L).reshape(28, 28), "connections", "pixel column", "pixel row"),
            Draw.Heatmap("Weights of one unit", weights[0].reshape(28, 28), "weight", "pixel column", "pixel row"),
            Draw.Heatmap("One unit's mask", kept[0].reshape(28, 28), "kept", "pixel column", "pixel row"),
            Draw.Heatmaps("Masks of six units", Enumerable.Range(0, 6).Select(i => ($"unit {i}", kept[i].reshape(28, 28))), "kept"),
            Draw.Bars("At 95 % sparsity", "test accuracy (%)", [("dense", [97.6, 97.7]), ("iterative", [97.2, 97.4]), ("random", [93.0, 93.9])], zoom: true),
            Draw.Scatter("Distance and accuracy", "distance (L2)", "test accuracy (%)",
                [("lottery ticket", [9.1, 9.4, 8.8], [97.1, 96.9, 97.0]), ("scratch", [27, 26.2, 28.1], [94.4, 94.0, 94.6])]),
            Draw.Lines("Training loss", "step", "loss (nats)",
                [new Series("sgd", [.. Enumerable.Range(0, 200).Select(i => (double)i)],
                    [.. Enumerable.Range(0, 200).Select(i => 2.3 * Math.Exp(-i / 40.0))])]),
            Draw.Network("A network before and after pruning", [torch.randn(6, 8).gt(0.9), torch.randn(5, 6).gt(0.7), torch.randn(3, 5).gt(0.5)],
                ["input", "hidden 1", "hidden 2", "output"]),
            Draw.Images("Disks", Enumerable.Range(0, 20)
                .Select(k => Enumerable.Range(0, 784).Select(p => (byte)(Math.Pow((p % 28) - 14, 2) + Math.Pow((p / 28) - 14, 2) < 60 + (k * 5) ? 220 : 0))
                    .ToArray()), Enumerable.Range(0, 20).Select(k => $"{k % 10}")),
            new Table("Accuracy", "method", new Column("test accuracy (%)", "0.00"), new Column("seeds", "0")).Add("iterative", Summary.Of([97.2, 97.4]), 5)
                .Add("random", 93.0, 5),
            NotebookClaims.Ours("pruning.finetune-90", "Magnitude pruning to 90 % with fine-tuning loses under 0.5 points", [0.1, 0.2, 0.3, 0.4, 0.2],
                Expect.Below(0.5), "points"),
            NotebookClaims.Ours("pruning.random-95", "At 95 % it beats random pruning by over 2 points", [1.1, 1.2, 1.3, 1.4, 1.2], Expect.Above(2), "points"),
            NotebookClaims.Ours("pruning.iterative-99", "At 99.5 % iterative beats one-shot by over 2 points", [1.1, 1.2, 1.3, 1.4, 1.2], Expect.Above(2),
                "points", profiles: ["paper"]),
            NotebookClaims.Published("pruning.han-lenet", "LeNet-300-100's error before pruning", 1.64, [2.1, 2.2, 2.3, 2.2, 2.2], "Han et al. 2015, table 1",
                "%", profile: "quick"),
        ];
    }

    private static JsonObject Markdown(string text) => new() { ["cell_type"] = "markdown", ["source"] = text };

    private static JsonObject Code(string source, params JsonNode[] outputs) =>
        new() { ["cell_type"] = "code", ["source"] = source, ["outputs"] = new JsonArray(outputs) };
}
