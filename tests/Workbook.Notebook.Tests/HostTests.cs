using System.Collections;
using System.Reflection;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;
using Xunit;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class HostTests
{
    [Fact]
    public void Dotnet_interactive_gets_a_bundle_and_its_update_under_one_id()
    {
        DotnetInteractiveHost host = DotnetInteractiveHost.TryCreate([typeof(KernelInvocationContext).Assembly])!;
        KernelInvocationContext context = KernelInvocationContext.Enter();

        string id = host.Display(new Dictionary<string, string> { ["text/html"] = "<b>1</b>", ["text/plain"] = "1" });
        host.Update(id, new Dictionary<string, string> { ["text/html"] = "<b>2</b>", ["text/plain"] = "2" });

        DisplayedValueProduced first = Assert.IsType<DisplayedValueProduced>(context.Published[0]);
        DisplayedValueUpdated second = Assert.IsType<DisplayedValueUpdated>(context.Published[1]);
        Assert.Equal(first.ValueId, second.ValueId);
        Assert.Same(context.Command, first.Command);
        Assert.Equal(["text/html=<b>1</b>", "text/plain=1"], first.FormattedValues.Select(v => $"{v.MimeType}={v.Value}"));
        Assert.Equal(["text/html=<b>2</b>", "text/plain=2"], second.FormattedValues.Select(v => $"{v.MimeType}={v.Value}"));
    }

    [Fact]
    public void An_update_from_a_thread_outside_the_cell_reaches_the_cell()
    {
        DotnetInteractiveHost host = DotnetInteractiveHost.TryCreate([typeof(KernelInvocationContext).Assembly])!;
        KernelInvocationContext context = KernelInvocationContext.Enter();
        string id = host.Display(new Dictionary<string, string> { ["text/plain"] = "1" });

        Thread thread = new(() => host.Update(id, new Dictionary<string, string> { ["text/plain"] = "2" }));
        thread.UnsafeStart();
        thread.Join();

        Assert.Equal(2, context.Published.Count);
    }

    [Fact]
    public void Without_the_kernels_assemblies_there_is_no_kernel_host() =>
        Assert.Null(DotnetInteractiveHost.TryCreate([typeof(string).Assembly]));

    [Fact]
    public void Trailing_values_follow_the_kernels_convention()
    {
        foreach ((IShowable value, int mimeTypes) in new (IShowable, int)[] { (new Table("t", "a").Add(1), 2), (NotebookClaims.Ours("pruning.x", "s", [1.0], Expect.Below(2)), 3) })
        {
            // As the kernel does it: an attribute by name, its properties and the source's methods by name.
            object attribute = value.GetType().GetCustomAttributes(true).Single(a => a.GetType().Name == "TypeFormatterSourceAttribute");
            Type sourceType = (Type)attribute.GetType().GetProperty("FormatterSourceType")!.GetValue(attribute)!;
            string[] preferred = (string[])attribute.GetType().GetProperty("PreferredMimeTypes")!.GetValue(attribute)!;
            object source = Activator.CreateInstance(sourceType)!;
            IEnumerable formatters = (IEnumerable)sourceType.GetMethod("CreateTypeFormatters")!.Invoke(source, null)!;

            Dictionary<string, string> texts = [];
            foreach (object formatter in formatters)
            {
                MethodInfo format = formatter.GetType().GetMethod("Format")!;
                Assert.Equal([typeof(object), typeof(TextWriter)], format.GetParameters().Select(p => p.ParameterType));
                using StringWriter writer = new();
                if ((bool)format.Invoke(formatter, [value, writer])!)
                {
                    texts[(string)formatter.GetType().GetProperty("MimeType")!.GetValue(formatter)!] = writer.ToString();
                }
            }

            Assert.Equal(mimeTypes, preferred.Length);
            Assert.Equal(value.ToBundle(), texts);
        }
    }

    [Fact]
    public void A_chart_made_with_plotly_net_itself_is_shown_as_a_chart()
    {
        Plotly.NET.GenericChart chart = Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [3.0, 4])]).Chart;

        Assert.Contains("Plotly.newPlot", Formatters.TryFormat(chart)!["text/html"], StringComparison.Ordinal);
        Assert.Null(Formatters.TryFormat(new object()));
        Assert.Null(Formatters.TryFormat(null));
    }

    [Fact]
    public void A_cell_of_dotnet_interactive_may_end_with_such_a_chart()
    {
        DotnetInteractiveHost.TryCreate([typeof(KernelInvocationContext).Assembly]);
        Plotly.NET.GenericChart chart = Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [3.0, 4])]).Chart;

        foreach ((string mimeType, string part) in new[] { ("text/html", "Plotly.newPlot"), ("text/plain", "profile)") })
        {
            using StringWriter writer = new();
            Formatter.Registered[$"{typeof(Plotly.NET.GenericChart)} {mimeType}"](chart, writer);
            Assert.Contains(part, writer.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(["text/html", "text/plain"], Formatter.Preferred[typeof(Plotly.NET.GenericChart)]);
    }

    [Fact]
    public async Task A_bar_stepped_by_several_threads_ends_full()
    {
        RecordingHost host = new();
        NotebookHost.Current = host;
        ProgressBar bar = ProgressBar.Start("training <all>", 4000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                bar.Step();
            }
        }, TestContext.Current.CancellationToken)));

        Assert.Single(host.Shown);
        Assert.True(host.Updates.Count < 1000, $"{host.Updates.Count} updates");
        Assert.Contains("4000/4000", host.Updates[^1].Bundle["text/plain"], StringComparison.Ordinal);
        Assert.Contains("training &lt;all&gt;", host.Updates[^1].Bundle["text/html"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_aligns_numbers_and_refuses_a_row_that_does_not_fit()
    {
        Table table = new Table("", "method", new Column("accuracy (%)", "0.0")).Add("a<b", 97.123).Add("long name", 5);

        Assert.Equal(["method     accuracy (%)", "---------  ------------", "a<b                97.1", "long name           5.0"], table.ToBundle()["text/plain"].Split('\n'));
        Assert.Contains("a&lt;b", table.ToBundle()["text/html"], StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => table.Add("x"));
    }
}
