using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Publishing;
using Workbook.Cli.Tests.Running;
using Workbook.Cli.Translating;
using Xunit;

namespace Workbook.Cli.Tests.Publishing;

/// <summary>The notebooks as they lie in the repository, and what its README says of them.</summary>
public class CommittedNotebookTests
{
    private const int MostLines = 40;

    /// <summary>Where a run wrote executed notebooks, to be looked at as well.</summary>
    public const string ExecutedVariable = "WORKBOOK_EXECUTED";

    public static string[] Committed { get; } = [.. Directory.GetFiles(Repository.PathOf("notebooks"), "*.ipynb").Order(StringComparer.Ordinal)];

    public static string[] Executed { get; } = Environment.GetEnvironmentVariable(ExecutedVariable) is { Length: > 0 } folder
        ? [.. Directory.GetFiles(Repository.PathOf(folder), "*.ipynb").Order(StringComparer.Ordinal)] : [];

    public static TheoryData<string> CommittedNames => [.. Committed.Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(CommittedNames))]
    public void It_is_clean(string name)
    {
        string path = Repository.PathOf("notebooks", name);
        NotebookDocument notebook = NotebookReader.Read(path);
        Nbformat.Check(notebook.Root);
        Assert.Equal([], PublishedNotebook.Faults(notebook));
        Assert.InRange(new FileInfo(path).Length, 1, PublishedNotebook.MostBytes);
        Assert.Equal(".net-csharp", (string?)notebook.Root["metadata"]!["kernelspec"]!["name"]);
        Assert.Equal(Enumerable.Range(1, notebook.CodeCells.Count), notebook.CodeCells.Select(cell => (int?)cell["execution_count"] ?? 0));
        Assert.All(notebook.Cells, cell => Assert.InRange(NotebookDocument.Source(cell).Split('\n').Length, 1, MostLines));
        Assert.Contains(notebook.Cells.Take(5), cell => NotebookDocument.HasTag(cell, "parameters"));
        JsonObject[] shown = [.. notebook.CodeCells.SelectMany(cell => cell["outputs"]!.AsArray()).Select(output => output!["data"]).OfType<JsonObject>()];
        Assert.NotEmpty(shown);
        Assert.All(shown, data => Assert.False(data.ContainsKey("image/png") && data.ContainsKey("text/html"),
            "viewers would show the HTML in place of the picture"));
        Assert.Contains(shown, data => data.ContainsKey("image/png"));
    }

    [Fact]
    public void The_readme_has_their_claims_and_pictures()
    {
        NotebookDocument[] notebooks = [.. Committed.Select(NotebookReader.Read)];
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        Assert.All(Edition.Of(Committed), edition =>
        {
            string text = File.ReadAllText(Repository.PathOf(Readme.FileOf(edition)));
            Assert.Equal(ReadmeClaims.Renew(text, notebooks, edition), text);
            Assert.Equal(PaperTable.Renew(text, PaperTable.Read(Repository.PathOf("docs", "papers.json")), notebooks, edition), text);
            Assert.Contains("<!-- claims", text, StringComparison.Ordinal);
            Assert.Contains("<!-- papers", text, StringComparison.Ordinal);
        });
        Assert.All(notebooks, notebook => Assert.Contains($"<b>{notebook.Title}</b>", readme, StringComparison.Ordinal));

        (string Name, byte[] Picture)[] pictures = [.. notebooks.SelectMany(PublishedNotebook.NamedPictures)];
        Assert.All(pictures, picture => Assert.Equal(picture.Picture, File.ReadAllBytes(Repository.PathOf("notebooks", "images", picture.Name + ".png"))));
        Assert.Equal(pictures.Select(picture => picture.Name).Order(StringComparer.Ordinal), Directory.GetFiles(Repository.PathOf("notebooks", "images"))
            .Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal));
        string shown = readme + File.ReadAllText(Repository.PathOf("docs", "findings.md"));
        Assert.All(pictures, picture => Assert.Contains($"(notebooks/images/{picture.Name}.png)", shown.Replace("(../", "(", StringComparison.Ordinal),
            StringComparison.Ordinal));
    }

    [Fact]
    public void Claims_that_were_measured_anew_make_the_readme_stale()
    {
        string text = File.ReadAllText(Committed[0]).Replace("\"measured\": 0", "\"measured\": 1", StringComparison.Ordinal);
        NotebookDocument changed = new(Committed[0], JsonNode.Parse(text)!.AsObject());
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        Assert.NotEqual(readme, ReadmeClaims.Renew(readme, [changed, .. Committed.Skip(1).Select(NotebookReader.Read)]));
        Assert.Equal("no place for them", ReadmeClaims.Renew("no place for them", [changed]));
    }

    [Fact]
    public void A_title_or_claim_with_the_readmes_own_marks_does_not_make_it_grow()
    {
        const string Marks = "<!-- /claims --> <!-- claims: written by `workbook publish` --> | <b>";
        JsonObject root = JsonNode.Parse(File.ReadAllText(Committed[0]).Replace("\"# 00", $"\"# {Marks} 00", StringComparison.Ordinal)
            .Replace("\"statement\": \"", $"\"statement\": \"{Marks}\\n", StringComparison.Ordinal))!.AsObject();
        NotebookDocument odd = new(Committed[0], root);
        string once = ReadmeClaims.Renew("<!-- /claims -->\n<!-- claims: written by `workbook publish` -->\n<!-- /claims -->\nthe rest\n", [odd]);

        Assert.Contains("&lt;!-- /claims -->", once, StringComparison.Ordinal);
        Assert.Equal(once, ReadmeClaims.Renew(once, [odd]));
        Assert.Equal(2, once.Split("\n<!-- /claims -->").Length);
    }

    [Theory]
    [InlineData("../../../x")]
    [InlineData("/tmp/x")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("nul")]
    [InlineData("C:x")]
    public void A_pictures_name_is_nothing_but_a_name(string name)
    {
        NotebookDocument notebook = NotebookReader.Read(Committed[0]);
        JsonObject cell = notebook.CodeCells.First(code => PublishedNotebook.PictureNames(code).Any());
        cell["metadata"]!["tags"] = new JsonArray("picture:" + name);
        WorkbookException fault = Assert.Throws<WorkbookException>(() => PublishedNotebook.NamedPictures(notebook).ToArray());
        Assert.Equal($"the tag picture:{name} names no file: use letters, digits, - and _", fault.Message);
    }

    [Fact]
    public void Debians_nbformat_finds_nothing_wrong()
    {
        const string script = "import nbformat, sys\nfor path in sys.argv[1:]:\n    nbformat.validate(nbformat.read(path, "
            + "as_version=4))\nprint(len(sys.argv) - 1)";
        string python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        (int exitCode, _, _) = Python(python, "import nbformat");
        Assert.SkipWhen(exitCode != 0, "no Python with nbformat on this machine");
        string[] paths = [.. Committed, .. Executed];
        (exitCode, string output, string errors) = Python(python, script, paths);
        Assert.True(exitCode == 0, errors);
        Assert.Equal($"{paths.Length}", output.Trim());
    }

    private static (int ExitCode, string Output, string Errors) Python(string python, string script, params string[] arguments)
    {
        try
        {
            return Workspace.Finish(Process.Start(
                new ProcessStartInfo(python, ["-c", script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (1, "", e.Message);
        }
    }
}
