using System.Text.Json.Nodes;
using Workbook.Cli.Running;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class SideBySideTests : IDisposable
{
    // Says when it began and when it ended, in ticks of a clock that both processes share.
    private const string Work = "long begin = Environment.TickCount64;\nThread.Sleep(700);\nConsole.Write($\"{begin} {Environment.TickCount64}\");";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Cells_of_two_notebooks_run_together_but_one_that_measures_times_runs_alone()
    {
        JsonNode timed = Notebooks.OfCode(Meet("timed", "other"), Work);
        timed["cells"]![1]!["metadata"]!["tags"] = new JsonArray("timing");
        _workspace.Write("timed", timed);
        _workspace.Write("other", Meet("other", "timed"), Work, Work, Work, Work, Work);
        (int exitCode, _, string errors) = _workspace.Run("run", ".", "--jobs", "2", "--silence", "90");
        Assert.True(exitCode == 0, errors);

        (long Begin, long End)[] others = [.. Enumerable.Range(1, 5).Select(cell => Times("other", cell))];
        Assert.DoesNotContain(others, other => Overlap(other, Times("timed", 1)));
    }

    [Fact]
    public void The_first_notebooks_page_is_there_before_the_second_ends()
    {
        string site = _workspace.PathOf("out", "site");
        _workspace.Write("a", "Console.Write(\"first\");");
        _workspace.Write("b", $"string page = {Quoted(Path.Combine(site, "a.html"))}, index = {Quoted(Path.Combine(site, "index.html"))};\n"
            + "for (int i = 0; i < 600 && !File.Exists(index); i++) Thread.Sleep(100);\n"
            + "Console.Write($\"{File.Exists(page)} {File.ReadAllText(index).Contains(\"still run\")}\");");
        (int exitCode, string output, string errors) = _workspace.Run("run", ".", "--jobs", "2", "--out", _workspace.PathOf("out"));
        Assert.True(exitCode == 0, errors);
        Assert.StartsWith($"report: {Path.Combine(site, "index.html")}\n", output, StringComparison.Ordinal);
        Assert.Equal(["stdout: True True"], Notebooks.Outputs(Read("out", "b.ipynb"), 0));
        Assert.DoesNotContain("still run", File.ReadAllText(Path.Combine(site, "index.html")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_no_place_with_it()
    {
        using CellTurns turns = new(2);
        IDisposable first = await turns.TakeAsync(alone: false, TestContext.Current.CancellationToken);
        using CancellationTokenSource gaveUp = new();
        Task<IDisposable> alone = turns.TakeAsync(alone: true, gaveUp.Token);
        Task<IDisposable> behind = turns.TakeAsync(alone: false, TestContext.Current.CancellationToken);
        Assert.False(alone.IsCompleted || behind.IsCompleted);
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => alone);
        IDisposable second = await behind;
        first.Dispose();
        second.Dispose();
        (await turns.TakeAsync(alone: true, TestContext.Current.CancellationToken)).Dispose();
    }

    // Ends only while the other's runs too, however slow the machine is.
    private string Meet(string own, string other) => $"File.WriteAllText({Quoted(_workspace.PathOf(own + ".here"))}, \"\");\n"
        + $"for (int i = 0; !File.Exists({Quoted(_workspace.PathOf(other + ".here"))}); i++)\n"
        + "    if (i < 600) Thread.Sleep(100); else throw new TimeoutException(\"the other notebook's first cell has not begun\");";

    private static bool Overlap((long Begin, long End) a, (long Begin, long End) b) => a.Begin < b.End && b.Begin < a.End;

    private (long Begin, long End) Times(string name, int cell)
    {
        string[] words = Assert.Single(Notebooks.Outputs(_workspace.Executed(name), cell))["stdout: ".Length..].Split(' ');
        return (long.Parse(words[0]), long.Parse(words[1]));
    }

    private JsonObject Read(params string[] names) => (JsonObject)JsonNode.Parse(File.ReadAllText(_workspace.PathOf(names)))!;

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();
}
