using System.Text.Json.Nodes;
using Workbook.Cli.Outcome;
using Workbook.Cli.Publishing;
using Workbook.Notebook;
using Xunit;

namespace Workbook.Cli.Tests.Publishing;

public sealed class PaperTableTests : IDisposable
{
    private const string Marks = "<!-- papers: written by `workbook publish --papers` -->\nold\n<!-- /papers -->";

    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string PathOf(params string[] names) => Path.Combine([_folder, .. names]);

    [Fact]
    public void A_paper_profiles_numbers_are_kept_and_the_causes_written_beside_them_stay()
    {
        Directory.CreateDirectory(PathOf("notebooks"));
        File.WriteAllText(PathOf("README.md"), $"before\n{Marks}\nafter\n");
        Assert.Equal([PathOf("docs", "papers.json"), PathOf("README.md")], PaperTable.Write([Run(Published("a", 1.5, 0.25))], new DateOnly(2026, 11, 30)));
        Assert.Contains("| Error of a | 1.25 % (A paper, table 1) | 1.50 ± 0.10 %, 2 seeds | +0.25 % |  |", File.ReadAllText(PathOf("README.md")),
            StringComparison.Ordinal);

        string json = File.ReadAllText(PathOf("docs", "papers.json"));
        File.WriteAllText(PathOf("docs", "papers.json"), json.Replace("\"measured\": \"2026", "\"cause\": \"Theirs is | one draw.\",\n  \"measured\": \"2026",
            StringComparison.Ordinal));
        PaperTable.Write([Run(Published("a", 2.5, 1.25), Published("b", 1, -0.25))], new DateOnly(2026, 12, 1));
        string readme = File.ReadAllText(PathOf("README.md"));
        Assert.StartsWith("before\n<!-- papers", readme, StringComparison.Ordinal);
        Assert.EndsWith("<!-- /papers -->\nafter\n", readme, StringComparison.Ordinal);
        Assert.Contains("| Error of a | 1.25 % (A paper, table 1) | 2.50 ± 0.10 %, 2 seeds | +1.25 % | Theirs is \\| one draw. |", readme,
            StringComparison.Ordinal);
        Assert.Contains("| Error of b |", readme, StringComparison.Ordinal);
        JsonArray kept = PaperTable.Read(PathOf("docs", "papers.json"));
        Assert.Equal(["2026-12-01", "2026-12-01"], kept.Select(entry => entry!["measured"]!.ToString()));
    }

    [Fact]
    public void Where_the_notebook_says_what_differs_from_the_paper_no_number_stands_beside_it()
    {
        Directory.CreateDirectory(PathOf("notebooks"));
        File.WriteAllText(PathOf("README.md"), Marks);
        PaperTable.Write([Run(Published("a", double.NaN, null) with { Note = "not measured here (its epochs are not given)" })], new DateOnly(2026, 11, 30));
        Assert.Contains("| Error of a | 1.25 % (A paper, table 1) | not at the paper's setting | |  |", File.ReadAllText(PathOf("README.md")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_measured_nothing_of_a_papers_and_a_file_that_is_none_change_nothing()
    {
        Directory.CreateDirectory(PathOf("notebooks"));
        File.WriteAllText(PathOf("README.md"), Marks);
        Claim elsewhere = Published("a", 1.5, null) with { Note = "not measured here (needs profile paper)" };
        Assert.Contains("--profile paper", Fault(elsewhere), StringComparison.Ordinal);
        Assert.False(Directory.Exists(PathOf("docs")));

        Directory.CreateDirectory(PathOf("docs"));
        foreach (string broken in new[] { "{", "{}", "[1]", "[{\"claim\": {}}]" })
        {
            File.WriteAllText(PathOf("docs", "papers.json"), broken);
            Assert.StartsWith(PathOf("docs", "papers.json") + " is no ", Fault(Published("a", 1.5, 0.25)), StringComparison.Ordinal);
            Assert.Equal(broken, File.ReadAllText(PathOf("docs", "papers.json")));
        }

        Assert.Equal(Marks, File.ReadAllText(PathOf("README.md")));
        string Fault(Claim claim) => Assert.Throws<WorkbookException>(() => PaperTable.Write([Run(claim)], new DateOnly(2026, 11, 30))).Message;
    }

    private NotebookResult Run(params Claim[] claims) =>
        new("n", PathOf("notebooks", "n.ipynb"), PathOf("out", "n.ipynb"), [], claims, [], TimeSpan.FromSeconds(1), null);

    private static Claim Published(string what, double measured, double? difference) => new()
    {
        Id = "pruning." + what,
        Kind = "published",
        Notebook = "n",
        Statement = "Error of " + what,
        Unit = "%",
        Measured = measured,
        Spread = 0.1,
        Expected = "1.25 %",
        Difference = difference,
        Source = "A paper, table 1",
        Dataset = "mnist",
        Profile = "paper",
        Seeds = [0, 1],
    };
}
