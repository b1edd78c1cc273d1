using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Workbook.Cli.Kernel;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Browsing;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>Notebooks that are hardly any: what is wrong with one is said with its name, and the others are run, written and reported.</summary>
public sealed class OddNotebookTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void One_that_can_not_be_read_keeps_no_other_from_its_run()
    {
        _workspace.WriteText("notebooks/a.ipynb", "{ this is none");
        _workspace.WriteText("notebooks/b.ipynb", """{ "nbformat": 4, "cells": [], "metadata": { "workbook": { "kernel": "unheard of" } } }""");
        _workspace.WriteText("notebooks/c.ipynb", """{ "nbformat": 4, "cells": [], "metadata": { "kernelspec": { "language": "julia" } } }""");
        _workspace.Write("notebooks/good", "Console.WriteLine(6 * 7);");
        (int exitCode, string output, string errors) = _workspace.Run("run", "notebooks", "--out", "out");

        Assert.Equal(1, exitCode);
        Assert.Contains("good: ran", output, StringComparison.Ordinal);
        Assert.All(["a.ipynb: is not valid JSON", "b.ipynb: its metadata name the kernel unheard of", "c.ipynb: is a notebook in julia"],
            fault => Assert.Contains(fault, errors, StringComparison.Ordinal));
        Assert.Contains("42", File.ReadAllText(_workspace.PathOf("out", "site", "good.html")), StringComparison.Ordinal);
        Assert.Equal(2, _workspace.Run("run", "notebooks/a.ipynb", "--out", "other").ExitCode);
        Assert.False(Directory.Exists(_workspace.PathOf("other")));
    }

    [Fact]
    public void One_that_can_not_be_written_keeps_no_other_from_its_report()
    {
        string first = _workspace.Write("notebooks/a", "1 + 1"), second = _workspace.Write("notebooks/b", "Console.WriteLine(6 * 7);");
        Directory.CreateDirectory(_workspace.PathOf("out", "a.ipynb"));
        (int exitCode, string output, string errors) = _workspace.Run("run", first, second, "--out", "out");

        Assert.Equal(1, exitCode);
        Assert.Contains($"error: {first}: can't write", errors, StringComparison.Ordinal);
        Assert.Contains("b: ran", output, StringComparison.Ordinal);
        Assert.Contains("42", File.ReadAllText(_workspace.PathOf("out", "site", "b.html")), StringComparison.Ordinal);
        Assert.Contains("did not finish", File.ReadAllText(_workspace.PathOf("out", "site", "a.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Odd_texts_codes_outputs_and_metadata_are_run_and_reported()
    {
        string Shown(string type, string json) =>
            $"using Workbook.Notebook; NotebookHost.Current.Display(new Dictionary<string, string> {{ [{type}] = \"{json}\" }});";
        string Deep(string before, string after, int depth) => string.Concat(Enumerable.Repeat(before, depth)) + after;
        (string Name, JsonObject Notebook)[] odd =
        [
            ("half-a-character-shown", Notebooks.OfCode(Shown("\"application/json\"", """[\"\\ud800\"]"""))),
            ("two-of-a-key", Notebooks.OfCode(Shown("Claim.MimeType", """{\"id\":1,\"id\":2}"""))),
            ("lists", Text(string.Concat(Enumerable.Range(0, 70).Select(i => new string(' ', 2 * i) + "- x\n")))),
            ("quotations", Text(new string('>', 2000) + " x")),
            ("brackets", Text(new string('[', 140))),
            ("more-brackets", Text(new string('[', 20_000))),
            ("emphasis", Text(new string('*', 20_000) + "x" + new string('_', 20_000))),
            ("elements", Text(Deep("<div>", "x", 100_000))),
            ("other-elements", Text(Deep("<b><p></i>", "x", 50_000))),
            ("braces", Text($"$${new string('{', 20_000)}$$\n\nand $x^2$")),
            ("parentheses", Notebooks.OfCode($"// {new string('(', 20_000)}", $"if (false) {{ var x = {new string('(', 500)}1{new string(')', 500)}; }}")),
        ];
        foreach ((string name, JsonObject notebook) in odd)
        {
            _workspace.Write("notebooks/" + name, notebook);
        }

        JsonObject bare = Notebooks.OfCode("Console.WriteLine(6 * 7);");
        bare["cells"]![0]!.AsObject().Remove("outputs");
        bare["cells"]![0]!.AsObject().Remove("execution_count");
        _workspace.Write("notebooks/without-outputs", bare);
        _workspace.WriteText("notebooks/half-a-character.ipynb", Notebooks.OfCode("1").ToJsonString().Replace("\"metadata\":{}",
            "\"metadata\": { \"title\": \"\\ud800\", \"\\udc00\": \"a\\ud83d\\ude00b\" }", StringComparison.Ordinal));
        (int exitCode, string output, string errors) = _workspace.Run("run", "notebooks", "--out", "out");

        Assert.DoesNotContain("Object reference", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("its page can't be written", errors, StringComparison.Ordinal);
        Assert.Contains("two-of-a-key", errors, StringComparison.Ordinal); // it calls itself a claim, and is none
        Assert.Equal(1, exitCode);
        foreach (string name in odd.Select(notebook => notebook.Name).Concat(["without-outputs", "half-a-character"]))
        {
            Assert.Contains(name + ": ran", output, StringComparison.Ordinal);
            JsonNode.Parse(File.ReadAllText(_workspace.PathOf("out", name + ".ipynb")))!.ToJsonString();
            Assert.Contains("</html>", File.ReadAllText(_workspace.PathOf("out", "site", name + ".html")), StringComparison.Ordinal);
        }

        Assert.Contains("a😀b", File.ReadAllText(_workspace.PathOf("out", "half-a-character.ipynb")), StringComparison.Ordinal);
        Assert.Contains("\"\uFFFD\"", File.ReadAllText(_workspace.PathOf("out", "half-a-character-shown.ipynb")), StringComparison.Ordinal);

        static JsonObject Text(string text) =>
            Notebooks.Of(new JsonObject { ["cell_type"] = "markdown", ["metadata"] = new JsonObject(), ["source"] = text }, Notebooks.Code("1"));
    }

    [Fact]
    public void Code_whose_parts_lie_too_deep_in_each_other_fails_alone_and_is_shown()
    {
        const int Depth = 19_000;
        string Times(string text) => string.Concat(Enumerable.Repeat(text, Depth));
        (string Name, string Code)[] deep =
        [
            ("generics", $"{Times("A<")}int{Times(">")} x;"),
            ("tuples", $"{Times("(")}int{Times(",int)")} x;"),
            ("patterns", $"var x = a is {Times("{ b: ")}1{Times(" }")};"),
            ("directives", $"#if {Times("(")}A\n#endif"),
        ];
        foreach ((string name, string code) in deep)
        {
            _workspace.Write("notebooks/" + name, code);
        }

        _workspace.Write("notebooks/zero", "Console.WriteLine(6 * 7);");
        (int exitCode, string output, string errors) =
            Workspace.Finish(_workspace.Start("run", "notebooks", "--out", "out", "--timeout", "180"), minutes: 15);

        Assert.Equal(1, exitCode);

        // The compiler's parser takes minutes for these.
        Assert.False(ForeignCode.TryRead($"var x = {Times("$\"{")}1{Times("}\"")};", code => code, out _));
        Assert.Contains("zero: ran", output, StringComparison.Ordinal);
        Assert.All(deep, notebook => Assert.Contains($"{notebook.Name}: ", output, StringComparison.Ordinal));
        Assert.All(deep, notebook => Assert.EndsWith("</html>\n", File.ReadAllText(_workspace.PathOf("out", "site", notebook.Name + ".html"))));
        Assert.All(errors.Trim().Split('\n'), line => Assert.StartsWith("error: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_formula_that_can_not_be_drawn_keeps_no_other_from_it()
    {
        string program = TestBrowser.Require();
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        NotebookDocument notebook = NotebookReader.Read(_workspace.Write("n", Notebooks.Of(new JsonObject
        {
            ["cell_type"] = "markdown",
            ["metadata"] = new JsonObject(),
            ["source"] = $"${new string('{', 20_000)}$ and $\\frac{{{string.Concat(Enumerable.Repeat("\\frac{", 5000))}$ and $x^2$",
        })));
        ReportSite.Write(_workspace.PathOf("site"), [NotebookResult.Of(notebook, notebook.Path)], out _);
        await using Browser browser = await Browser.StartAsync(program, cancellation);
        BrowserPage page = await browser.OpenAsync(900, 900, dark: false, cancellation);
        await page.NavigateAsync(new Uri(_workspace.PathOf("site", "n.html")), cancellation);

        Assert.Equal("[false,false,true]", (await page.EvaluateAsync(
            "[...document.querySelectorAll('.math')].map(place => !!place.querySelector('msup'))", cancellation))!.ToJsonString());
        Assert.Empty(page.Errors);
    }

    [Fact]
    public void The_last_report_stays_until_the_next_one_is_whole()
    {
        string folder = _workspace.PathOf("site");
        NotebookResult Result(string name)
        {
            NotebookDocument notebook = NotebookReader.Read(_workspace.Write(name, "1"));
            return NotebookResult.Of(notebook, notebook.Path);
        }

        ReportSite.Write(folder, [Result("earlier")], out _);
        string before = File.ReadAllText(Path.Combine(folder, "earlier.html"));
        File.Delete(Path.Combine(folder, "claims.json"));
        Directory.CreateDirectory(Path.Combine(folder, "claims.json"));
        Assert.Throws<WorkbookException>(() => ReportSite.Write(folder, [Result("later")], out _));
        Assert.Equal(before, File.ReadAllText(Path.Combine(folder, "earlier.html")));
        Assert.Contains("earlier.html", File.ReadAllText(Path.Combine(folder, "index.html")), StringComparison.Ordinal);

        Directory.Delete(Path.Combine(folder, "claims.json"));
        ReportSite.Write(folder, [Result("later")], out _);
        Assert.Equal(["index.html", "later.html"], Directory.GetFiles(folder, "*.html").Select(Path.GetFileName).Order());
        Assert.Equal(["later.ipynb"], Directory.GetFiles(folder, "*.ipynb").Select(Path.GetFileName));
    }

    [Fact]
    public void A_page_that_can_not_be_made_says_so_in_its_place_and_the_others_are_there()
    {
        string folder = _workspace.PathOf("site");
        NotebookDocument good = NotebookReader.Read(_workspace.Write("good", "1")), bad = NotebookReader.Read(_workspace.Write("bad", "1"));
        NotebookResult[] results = [NotebookResult.Of(bad, bad.Path), NotebookResult.Of(good, good.Path)];
        JsonNode? circle = JsonValue.Create(new Circle()); // can't be written
        bad.Root["metadata"]!["x"] = circle;
        ReportSite.Write(folder, results, out IReadOnlyList<string> faults);

        Assert.StartsWith($"{bad.Path}: its page can't be written: ", Assert.Single(faults), StringComparison.Ordinal);
        Assert.Contains("This notebook's page can't be shown", File.ReadAllText(Path.Combine(folder, "bad.html")), StringComparison.Ordinal);
        Assert.Contains("class=\"code\"", File.ReadAllText(Path.Combine(folder, "good.html")), StringComparison.Ordinal);
        Assert.Contains("good.html", File.ReadAllText(Path.Combine(folder, "index.html")), StringComparison.Ordinal);
    }

    private sealed class Circle
    {
        public Circle Self => this;
    }
}
