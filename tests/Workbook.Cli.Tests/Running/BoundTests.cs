using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Engines;
using Workbook.Cli.Notebooks;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Sizes: of a notebook, of its JSON, of what its cells show.</summary>
public sealed class BoundTests : IDisposable
{
    private const string Host = "#r \"Workbook.Notebook\"\nusing Workbook.Notebook;\n"
        + "string Show(string text) => NotebookHost.Current.Display(new Dictionary<string, string> { [\"text/plain\"] = text });\n";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_hundred_thousand_cells_without_ids_get_each_its_own()
    {
        StringBuilder text = new("""{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [""");
        text.AppendJoin(",", Enumerable.Repeat("""{"cell_type": "code", "metadata": {}, "execution_count": null, "outputs": [], "source": ""}""", 100_000));
        NotebookDocument notebook = NotebookReader.Parse("n.ipynb", text.Append("]}").ToString());
        Assert.Equal(100_000, notebook.Cells.Select(cell => cell["id"]!.ToString()).Distinct().Count());
    }

    [Fact]
    public void Deep_JSON_is_read_and_written_and_what_is_too_deep_or_there_twice_is_said_with_its_line()
    {
        string Nested(int levels) => string.Concat(Enumerable.Repeat("[\n", levels)) + string.Concat(Enumerable.Repeat("]", levels));
        string Deep(int levels) => $$"""
            {"nbformat": 4, "nbformat_minor": 5, "metadata": {"deep": {{Nested(levels)}}}, "cells": [
            {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": null, "outputs": [], "source": "display(1);"}]}
            """;
        _workspace.WriteText("n.ipynb", Deep(900));
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.True(exitCode == 0, errors);
        Assert.Single(NotebookReader.Read(_workspace.PathOf("artifacts", "run", "n.ipynb")).CodeCells);

        WorkbookException deep = Assert.Throws<WorkbookException>(() => NotebookReader.Parse("n.ipynb", Deep(100_000)));
        Assert.Equal("n.ipynb: nests objects and arrays deeper than 1000 levels (line 999)", deep.Message);
        WorkbookException twice = Assert.Throws<WorkbookException>(() =>
            NotebookReader.Parse("n.ipynb", "{\"nbformat\": 4,\n \"cells\": [],\n \"cells\": []}"));
        Assert.Equal("n.ipynb: has the member \"cells\" twice in one object (line 3): remove one", twice.Message);
        WorkbookException wrong = Assert.Throws<WorkbookException>(() => NotebookReader.Parse("n.ipynb", "{\n\n}}"));
        Assert.Equal("n.ipynb: is not valid JSON (line 3)", wrong.Message);
    }

    [Fact]
    public void What_a_cell_shows_is_cut_with_a_remark_and_the_runners_memory_stays_bounded()
    {
        (string Name, string Code, string Remark)[] notebooks =
        [
            ("updates", Host + "var id = Show(\"a\");\nfor (int i = 0; i < 30; i++)\n    NotebookHost.Current.Update(id, "
                + "new Dictionary<string, string> { [\"text/plain\"] = new string('x', 50_000_000) });", "[left out: 50,000,000 characters in one output"),
            ("many-updates", Host + "for (int i = 0; i < 12; i++)\n{\n    NotebookHost.Current.Update(Show(\"a\"), new Dictionary<string, string>"
                + " { [\"text/html\"] = new string('x', 15_000_000), [\"text/plain\"] = \"\" });\n}", "[this cell displays too much"),
            ("message", "throw new Exception(new string('x', 50_000_000));", "[cut: 49,900,000 more characters]"),
            ("displays", Host + "for (int i = 0; i < 1_000_000; i++) Show(\"x\");", "[this cell displays too much: further displays are left out]"),
            ("text", "Console.Write(new string('x', 100_000_000));", "[output cut: 99000000 more characters]"),
            ("lines", Host + "Show(new string('\\n', 15_000_000));", "\n\n"),
            ("result", "new string('x', 50_000_000)", "[left out: 50,000,000 characters in one output"),
        ];
        foreach ((string name, string code, string remark) in notebooks)
        {
            long peak = PeakMemory(_workspace.Start("run", _workspace.Write(name, code)));
            Assert.True(peak < 1_200_000_000, $"{name}: {peak:N0} bytes");
            JsonObject executed = _workspace.Executed(name);
            Assert.Contains(Notebooks.Outputs(executed, 0), output => output.Contains(remark, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_passed_by_with_its_end_and_those_around_it_are_whole()
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes($"first\n\n{new string('x', 300_000)}end\nlast"));
        List<(string Text, bool IsWhole, bool IsLast)> lines = [];
        await foreach (ReadLine line in new LineReader(stream, 100_000).ReadAsync())
        {
            lines.Add((line.IsWhole ? line.Text : line.Text[^3..], line.IsWhole, line.IsLast));
        }

        Assert.Equal([("first", true, false), ("", true, false), ("end", false, false), ("last", true, true)], lines);
    }

    // The runner's own: the notebook's process may take what it likes.
    private static long PeakMemory(Process process)
    {
        long peak = 0;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        while (!process.WaitForExit(50))
        {
            process.Refresh();
            try
            {
                peak = Math.Max(peak, process.PeakWorkingSet64);
            }
            catch (InvalidOperationException)
            {
                break; // it has just ended
            }
        }

        process.WaitForExit();
        Assert.True(process.ExitCode is 0 or 1, errors.GetAwaiter().GetResult() + output.GetAwaiter().GetResult());
        process.Dispose();
        return peak;
    }
}
