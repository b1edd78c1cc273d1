using System.Reflection;
using ClrKernel.Core.Primitives;
using Xunit;
using DisplayExtensions = Verso.Abstractions.DisplayExtensions;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class OtherHostTests
{
    private static readonly Assembly[] s_fakes = [typeof(OtherHostTests).Assembly];

    private static Figure Chart() => Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [3.0, 4])]);

    [Fact]
    public void ClrKernel_gets_a_bundle_and_its_update_in_the_same_output()
    {
        ClrKernelHost host = ClrKernelHost.TryCreate(s_fakes)!;
        DisplayCell.Sent.Clear();

        string id = host.Display(new Dictionary<string, string> { ["text/html"] = "<b>1</b>", ["text/plain"] = "1" });
        host.Display(new Dictionary<string, string> { ["text/plain"] = "a < b" });
        host.Update(id, new Dictionary<string, string> { ["text/html"] = "<b>2</b>", ["text/plain"] = "2" });

        Assert.Equal(
            [("<b>1</b>", "1"), ("<pre>a &lt; b</pre>", "a < b"), ("<b>2</b>", "2")],
            DisplayCell.Sent.Select(sent => (sent.Bundle["text/html"], sent.Bundle["text/plain"])));
        Assert.Equal(DisplayCell.Sent[0].Id, DisplayCell.Sent[2].Id);
        Assert.NotEqual(DisplayCell.Sent[0].Id, DisplayCell.Sent[1].Id);
    }

    [Fact]
    public void A_cell_of_ClrKernel_may_end_with_ours_and_other_values_look_as_before()
    {
        ClrKernelHost.TryCreate(s_fakes);
        Table table = new Table("t", "a").Add(1);
        Claim claim = NotebookClaims.Ours("pruning.x", "s", [1.0], Expect.Below(2));

        Assert.Equal(table.ToBundle(), DisplayFormatters.Bundle(new DisplayObject(table)));
        Assert.Equal(claim.ToBundle()["text/html"], DisplayFormatters.Bundle(new DisplayObject(claim))["text/html"]);
        Assert.Contains("Plotly.newPlot", DisplayFormatters.Bundle(new DisplayObject(Chart()))["text/html"], StringComparison.Ordinal);
        Assert.Contains("Plotly.newPlot", DisplayFormatters.Bundle(new DisplayObject(Chart().Chart))["text/html"], StringComparison.Ordinal);
        Assert.Equal(new Dictionary<string, string> { ["text/html"] = "html of 42", ["text/plain"] = "text of 42" },
            DisplayFormatters.Bundle(new DisplayObject(42)));
        Assert.Equal("text of ", DisplayFormatters.Bundle(new DisplayObject(null))["text/plain"]);
    }

    [Fact]
    public void Verso_gets_HTML_where_there_is_some()
    {
        VersoHost host = VersoHost.TryCreate(s_fakes)!;
        DisplayExtensions.Shown.Clear();

        host.Display(new Dictionary<string, string> { ["text/html"] = "<b>1</b>", ["text/plain"] = "1" });
        host.Display(new Dictionary<string, string> { ["text/plain"] = "2" });

        Assert.Equal([("<b>1</b>", "text/html"), ("2", "text/plain")], DisplayExtensions.Shown);
    }

    [Fact]
    public void Verso_finds_how_a_trailing_value_looks()
    {
        Assert.All(new IShowable[] { Chart(), new Table("t", "a"), NotebookClaims.Ours("pruning.x", "s", [1.0], Expect.Below(2)) }, value =>
        {
            // As Verso does it.
            MethodInfo method = value.GetType().GetMethod("ToHtml", BindingFlags.Public | BindingFlags.Instance, null, Type.EmptyTypes, null)!;
            Assert.StartsWith("<", (string)method.Invoke(value, null)!, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Where_an_imported_file_shows_nothing_the_first_chart_brings_the_script_and_no_other()
    {
        RecordingHost host = new() { WantsPlotly = true, DropsImports = true };
        NotebookHost.Current = host;

        Lab.Start();
        Chart().Show();
        Chart().Show();
        Lab.Start();
        Chart().Show();

        Assert.Equal([true, false, true], host.Shown.Select(bundle => bundle["text/html"].StartsWith("<script>if(!window.Plotly)", StringComparison.Ordinal)));
        Assert.All(host.Shown, bundle => Assert.Contains("Plotly.newPlot", bundle["text/html"], StringComparison.Ordinal));
    }

    [Fact]
    public void Where_outputs_stay_as_they_are_a_bar_is_shown_once_when_it_ends()
    {
        RecordingHost host = new() { UpdatesInPlace = false };
        NotebookHost.Current = host;

        using (ProgressBar done = ProgressBar.Start("all", 2))
        {
            Thread.Sleep(400); // by then a bar that can move would
            using IDisposable run = done.Running();
            done.Step();
            Assert.Empty(host.Updates);
            done.Step();
        }

        using (ProgressBar abandoned = ProgressBar.Start("half", 2))
        {
            abandoned.Step();
        }

        Assert.Empty(host.Shown);
        Assert.Equal(["2/2", "stopped at 1/2"], host.Updates.Select(update => update.Bundle["text/plain"].Split("] ")[1].Split(" ·")[0]));
    }

    [Fact]
    public void Each_kernel_is_found_by_its_own_types()
    {
        Assert.IsType<DotnetInteractiveHost>(KnownHosts.Find([typeof(Microsoft.DotNet.Interactive.Kernel).Assembly]));
        Assert.IsType<ClrKernelHost>(KnownHosts.Find(s_fakes));
        Assert.Null(KnownHosts.Find([typeof(string).Assembly]));
        Assert.Null(ClrKernelHost.TryCreate([typeof(string).Assembly]));
        Assert.Null(VersoHost.TryCreate([typeof(string).Assembly]));
    }

    [Fact]
    public void Without_a_kernel_what_is_shown_is_plain_text()
    {
        using StringWriter text = new();
        TextWriter before = Console.Out;
        Console.SetOut(text);
        try
        {
            NotebookHost.Current = new ConsoleHost();
            Chart().WithCaption("c").Show();
            using ProgressBar bar = ProgressBar.Start("training", 1);
            bar.Step();
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.Equal(["t", "a: 1 3.00; 2 4.00", "(c)"], text.ToString().ReplaceLineEndings("\n").Split('\n')[..3]);
        Assert.Contains("training [####################] 1/1", text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('<', text.ToString());
    }
}
