using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Running;
using Xunit;
using Cells = Workbook.Cli.Tests.Running.Notebooks;

namespace Workbook.Cli.Tests.Publishing;

public sealed class PublishTests : IDisposable
{
    private const string Readme = "# A\n\n<!-- claims: written by `workbook publish` -->\nstale\n<!-- /claims -->\n\nthe rest\n";

    private const string Chart = "Draw.Lines(\"Loss <b>\", \"step\", \"loss\", [new Series(\"sgd\", [1, 2, 3], [3.0, 2.0, 1.0])]).Show();";

    private const string Claim = """
        new Table("Losses", "step", "loss").Add("1", 3.0).Show();
        Claims.Ours("pruning.falls", "The loss | falls", [1.0], Expect.Above(0)).Show();
        """;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    private string Write(params string[] cells)
    {
        File.Copy(Repository.PathOf("lab.csx"), _workspace.PathOf("lab.csx"));
        JsonObject title = new() { ["cell_type"] = "markdown", ["metadata"] = new JsonObject(), ["source"] = "# 00 · Losses" };
        JsonObject[] all = [title, Cells.Code("#!import ../lab.csx"), Cells.Code("int steps = 1;", "parameters"), Cells.Code(Chart, "picture:losses"),
            .. cells.Select(cell => Cells.Code(cell))];
        return _workspace.Write("notebooks/n", Cells.Of(all));
    }

    [Fact]
    public async Task Charts_become_pictures_and_the_readme_tells_the_claims()
    {
        string program = TestBrowser.Require();
        string path = Write(Claim);
        _workspace.WriteText("README.md", Readme);
        (int exitCode, string output, string errors) = _workspace.Run("publish");
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"published {path}", output, StringComparison.Ordinal);

        JsonObject notebook = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Nbformat.Check(notebook);
        JsonArray cells = notebook["cells"]!.AsArray();
        Assert.Empty(cells[1]!["outputs"]!.AsArray());
        JsonObject chart = Assert.Single(cells[3]!["outputs"]!.AsArray())!["data"]!.AsObject();
        Assert.Equal(["image/png", "text/plain"], chart.Select(part => part.Key).Order(StringComparer.Ordinal));
        byte[] picture = Convert.FromBase64String(chart["image/png"]!.ToString());
        Assert.Equal(1800, BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(16)));
        Assert.Equal(picture, File.ReadAllBytes(_workspace.PathOf("notebooks", "images", "losses.png")));
        (double white, int coloured) = await LookAtAsync(program, picture);
        Assert.InRange(white, 0.8, 0.99);
        Assert.InRange(coloured, 1000, 100_000);
        Assert.Contains("<table", Cells.Join(cells[4]!["outputs"]![0]!["data"]!["text/html"]), StringComparison.Ordinal);

        string readme = File.ReadAllText(_workspace.PathOf("README.md"));
        Assert.Contains("<b>00 · Losses</b>: 1 of 1 claims hold (quick profile)", readme, StringComparison.Ordinal);
        Assert.Contains("| The loss \\| falls | 1.00 | > 0 | ✓ |", readme, StringComparison.Ordinal);
        Assert.DoesNotContain("stale", readme, StringComparison.Ordinal);
        Assert.EndsWith("\n<!-- /claims -->\n\nthe rest\n", readme, StringComparison.Ordinal);
    }

    [Fact]
    public void A_finished_run_is_published_without_running_again_as_long_as_its_code_is_the_same()
    {
        TestBrowser.Require();
        string path = Write("// once\nFile.AppendAllText(\"runs\", \"x\");");
        Assert.Equal(0, _workspace.Run("run", "--out", "finished", "-p", "steps=2").ExitCode);
        File.WriteAllText(path, File.ReadAllText(path).Replace("Losses", "Better words", StringComparison.Ordinal)
            .Replace("// once", "// only once", StringComparison.Ordinal));
        (int exitCode, _, string errors) = _workspace.Run("publish", "--from", "finished");
        Assert.True(exitCode == 0, errors);
        Assert.Equal("x", File.ReadAllText(_workspace.PathOf("notebooks", "runs")));
        string published = File.ReadAllText(path);
        Assert.Contains("Better words", published, StringComparison.Ordinal);
        Assert.Contains("steps = 2;", published, StringComparison.Ordinal);
        Assert.Contains("image/png", published, StringComparison.Ordinal);

        string changed = published.Replace("AppendAllText", "WriteAllText", StringComparison.Ordinal);
        File.WriteAllText(path, changed);
        (exitCode, _, errors) = _workspace.Run("publish", "--from", "finished");
        Assert.Equal(2, exitCode);
        Assert.EndsWith("(from code cell 5 on): run the notebook again", errors.Trim(), StringComparison.Ordinal);
        Assert.Equal(changed, File.ReadAllText(path));
        Assert.Contains("holds no executed notebook named n.ipynb", _workspace.Run("publish", "--from", "nowhere").Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Console.WriteLine(\"../../../somewhere/else\");", 2, "code cell 4 holds a path of this machine: ../../../somewhere/else")]
    [InlineData("Console.WriteLine(Environment.CurrentDirectory);", 2, "code cell 4 holds a path of this machine: ")]
    [InlineData("throw new Exception(\"no\");", 1, "error: nothing is published")]
    [InlineData("Claims.Ours(\"pruning.a\", \"s\", [1.0], Expect.Above(2)).Show();", 1, "error: nothing is published")]
    public void What_is_not_fit_for_a_repository_leaves_everything_as_it_was(string cell, int expected, string fault)
    {
        TestBrowser.Require();
        Assert.SkipWhen(OperatingSystem.IsWindows() && expected == 2, "temporary folders have many names on Windows");
        string path = Write(cell);
        string before = File.ReadAllText(path);
        _workspace.WriteText("README.md", Readme);
        (int exitCode, _, string errors) = _workspace.Run("publish");
        Assert.Equal(expected, exitCode);
        Assert.Contains(fault, errors, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(path));
        Assert.Equal(Readme, File.ReadAllText(_workspace.PathOf("README.md")));
        Assert.False(Directory.Exists(_workspace.PathOf("notebooks", "images")));
    }

    [Fact]
    public void Without_a_browser_nothing_runs_and_one_line_says_why()
    {
        _workspace.Write("notebooks/n", "File.WriteAllText(\"ran\", \"\");");
        (int exitCode, _, string errors) = Workspace.Finish(
            _workspace.Start(new Dictionary<string, string> { ["WORKBOOK_BROWSER"] = "/no/browser" }, "publish"));
        Assert.Equal(2, exitCode);
        Assert.Equal("error: WORKBOOK_BROWSER names /no/browser, which is not there: name the program of a Chromium, Chrome or Edge, or unset the variable",
            errors.Trim());
        Assert.False(File.Exists(_workspace.PathOf("notebooks", "ran")) || Directory.Exists(_workspace.PathOf("artifacts")));
        Assert.Equal(0, Workspace.Finish(_workspace.Start(new Dictionary<string, string> { ["WORKBOOK_BROWSER"] = "/no/browser" }, "run")).ExitCode);
    }

    // The share of white pixels, and how many have a colour: those of the curve.
    private static async Task<(double White, int Coloured)> LookAtAsync(string program, byte[] picture)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using Browser browser = await Browser.StartAsync(program, cancellation);
        BrowserPage page = await browser.OpenAsync(900, 600, dark: false, cancellation);
        JsonNode seen = (await page.EvaluateAsync(
            $$"""
            (async () => {
              const image = new Image();
              image.src = 'data:image/png;base64,{{Convert.ToBase64String(picture)}}';
              await image.decode();
              const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
              context.drawImage(image, 0, 0);
              const colors = context.getImageData(0, 0, image.width, image.height).data;
              let white = 0, coloured = 0;
              for (let i = 0; i < colors.length; i += 4) {
                white += colors[i] === 255 && colors[i + 1] === 255 && colors[i + 2] === 255 ? 4 : 0;
                coloured += Math.max(colors[i], colors[i + 1], colors[i + 2]) - Math.min(colors[i], colors[i + 1], colors[i + 2]) > 100 ? 1 : 0;
              }
              return { white: white / colors.length, coloured };
            })()
            """,
            cancellation))!;
        return (seen["white"]!.GetValue<double>(), seen["coloured"]!.GetValue<int>());
    }
}
