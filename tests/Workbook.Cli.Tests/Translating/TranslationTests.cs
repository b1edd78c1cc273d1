using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Browsing;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Running;
using Xunit;
using Cells = Workbook.Cli.Tests.Running.Notebooks;

namespace Workbook.Cli.Tests.Translating;

/// <summary>A notebook in another language: what a translator writes, and what a reader sees.</summary>
public sealed class TranslationTests : IDisposable
{
    private const string Chart = """
        #r "Workbook.Notebook.dll"
        using Workbook.Notebook;
        Draw.Lines("Only here", "step", "test accuracy (%)", [new Series("dense", [1, 2], [90, 91]), new Series("SNIP", [1, 2], [80, 81])])
            .WithCaption("quick profile").Show();
        Claims.Ours("pruning.x", "A statement stays", [1.5], Expect.Above(0)).Show();
        """;

    private readonly Workspace _workspace = new();

    public TranslationTests() => WriteNotebook("# Prune\n\nFirst.");

    private string Korean => _workspace.PathOf("ko", "n.md");

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_translator_finds_what_to_do_and_what_is_done_stays()
    {
        Assert.Contains("n.md: 2 texts, 2 to translate", Run(0, "translate", "n.ipynb").Output, StringComparison.Ordinal);
        Assert.Matches("^<!-- cell a [0-9a-f]{12} TODO\n# Prune\n\nFirst\\.\n-->\n\n<!-- cell c [0-9a-f]{12} TODO\nLast --&gt; \\$x\\$\\.\n-->\n$",
            File.ReadAllText(Korean));

        Translate("# 가지치기(pruning)\n\n첫째.", "마지막.");
        string done = File.ReadAllText(Korean);
        Assert.Contains("2 texts, 0 to translate", Run(0, "translate", "n.ipynb").Output, StringComparison.Ordinal);
        Assert.Equal(done, File.ReadAllText(Korean));

        // The English changes: the old translation waits under the new text.
        WriteNotebook("# Prune\n\nFirst, anew.");
        Assert.Contains("2 texts, 1 to translate", Run(0, "translate", "n.ipynb").Output, StringComparison.Ordinal);
        Assert.Matches("TODO\n# Prune\n\nFirst, anew\\.\n-->\n\n# 가지치기\\(pruning\\)\n\n첫째\\.\n\n<!-- cell c [0-9a-f]{12} -->\n\n마지막\\.\n$",
            File.ReadAllText(Korean));
    }

    [Fact]
    public async Task The_site_has_both_languages_and_leads_from_one_to_the_other()
    {
        Run(0, "translate", "n.ipynb");
        Translate("# 가지치기(pruning)\n\n첫째.", "마지막 $x$.");
        Run(0, "run", "n.ipynb", "--language", "ko");
        string english = Page("n.html"), korean = Page("n.ko.html"), index = Page("index.ko.html");

        Assert.Contains("<html lang=\"en\">", english, StringComparison.Ordinal);
        Assert.Contains("<a href=\"n.ko.html\" lang=\"ko\" hreflang=\"ko\">한국어</a>", english, StringComparison.Ordinal);
        Assert.Contains("<html lang=\"ko\">", korean, StringComparison.Ordinal);
        Assert.Contains("<a href=\"n.html\" lang=\"en\" hreflang=\"en\">English</a>", korean, StringComparison.Ordinal);
        Assert.Contains("가지치기(pruning)</h1>", korean, StringComparison.Ordinal);
        Assert.DoesNotContain("First.", korean, StringComparison.Ordinal);
        Assert.Contains(JsonSerializer.Serialize("테스트 정확도 (%)"), korean, StringComparison.Ordinal);
        Assert.Contains("성립</strong> A statement stays", korean, StringComparison.Ordinal);
        Assert.Contains("Only here", korean, StringComparison.Ordinal);
        Assert.Contains("<a href=\"n.ko.html\">", index, StringComparison.Ordinal);
        Assert.Contains("<th scope=\"col\">기댓값</th>", index, StringComparison.Ordinal);

        await using Browser browser = await Browser.StartAsync(TestBrowser.Require(), TestContext.Current.CancellationToken);
        foreach (string page in new[] { "n.ko.html", "index.ko.html" })
        {
            Assert.Equal(1, await TestBrowser.LookAtAsync(browser, _workspace.PathOf("artifacts", "run", "site", page), 1280, dark: false));
            Assert.Equal(1, await TestBrowser.LookAtAsync(browser, _workspace.PathOf("artifacts", "run", "site", page), 390, dark: true));
        }
    }

    [Fact]
    public void What_is_missing_or_old_is_named_before_anything_runs_and_stays_English_on_the_site()
    {
        Assert.Contains("there is no folder xx with words.md beside the notebooks; there is en, ko",
            Assert.Single(Run(2, "run", "n.ipynb", "--language", "xx").Errors), StringComparison.Ordinal);
        string error = Assert.Single(Run(2, "run", "n.ipynb", "--language", "ko").Errors);
        Assert.Contains("cell a is not translated: # Prune (and 1 more): 'workbook translate --language ko'", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.PathOf("artifacts", "run", "site")));

        Run(0, "translate", "n.ipynb");
        Translate("# 가지치기\n\n첫째.", "마지막.");
        WriteNotebook("# Prune\n\nFirst, anew.");
        error = Assert.Single(Run(2, "run", "n.ipynb", "--language", "ko").Errors);
        Assert.Contains("cell a is older than its English text", error, StringComparison.Ordinal);
        Run(0, "run", "n.ipynb");
        Assert.Contains("First, anew.", Page("n.ko.html"), StringComparison.Ordinal);
        Assert.Contains("마지막.", Page("n.ko.html"), StringComparison.Ordinal);
        Assert.Contains("글 1개는 아직 번역되지 않아 영어입니다", Page("n.ko.html"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_translation_is_said_and_the_English_site_is_there()
    {
        File.WriteAllText(Korean, "# No translation\n");
        Assert.Contains("n.md is no translation", Assert.Single(Run(1, "run", "n.ipynb").Errors), StringComparison.Ordinal);
        Assert.Contains("First.", Page("n.html"), StringComparison.Ordinal);
        Assert.Contains("is no translation", Assert.Single(Run(2, "translate", "n.ipynb").Errors), StringComparison.Ordinal);
        Assert.Equal("error: the notebooks are written in en: name the language that they are to be translated to",
            Assert.Single(Run(2, "translate", "n.ipynb", "--language", "en").Errors));
        Assert.False(Directory.Exists(_workspace.PathOf("en")));
        Assert.Equal("# No translation\n", File.ReadAllText(Korean));
    }

    private void WriteNotebook(string first)
    {
        _workspace.Write("n", Cells.Of([Text("a", first), Cells.Code(Chart), Text("c", "Last --> $x$.")]));
        Directory.CreateDirectory(_workspace.PathOf("ko"));
        File.Copy(Repository.PathOf("notebooks", "ko", "words.md"), _workspace.PathOf("ko", "words.md"), overwrite: true);
    }

    private static JsonObject Text(string id, string source) =>
        new() { ["cell_type"] = "markdown", ["id"] = id, ["metadata"] = new JsonObject(), ["source"] = source };

    // As a translator does: the mark and the English text go, the translation stands below.
    private void Translate(params string[] texts)
    {
        string[] heads = [.. Regex.Matches(File.ReadAllText(Korean), "^<!-- cell \\w+ \\w+",
            RegexOptions.Multiline).Select(match => match.Value)];
        File.WriteAllText(Korean, string.Join("\n\n", heads.Zip(texts, (head, text) => $"{head} -->\n\n{text}")) + "\n");
    }

    private string Page(string name) => File.ReadAllText(_workspace.PathOf("artifacts", "run", "site", name));

    private (string Output, string[] Errors) Run(int expected, params string[] arguments)
    {
        (int exitCode, string output, string errors) = _workspace.Run(arguments);
        Assert.True(exitCode == expected, $"exit code {exitCode}: {errors}\n{output}");
        return (output, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
