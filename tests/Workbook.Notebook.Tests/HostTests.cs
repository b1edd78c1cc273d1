using System.Reflection;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class HostTests
{
    [Fact]
    public void Dotnet_interactive_gets_a_bundle_and_its_update_under_one_id()
    {
        INotebookHost host = DotnetInteractiveHost.Create();
        using RunningCell cell = new();

        string id = host.Display(new Dictionary<string, string> { ["text/html"] = "<b>1</b>", ["text/plain"] = "1" });
        host.Update(id, new Dictionary<string, string> { ["text/html"] = "<b>2</b>", ["text/plain"] = "2" });

        DisplayedValueProduced first = Assert.IsType<DisplayedValueProduced>(cell.Events[0]);
        DisplayedValueUpdated second = Assert.IsType<DisplayedValueUpdated>(cell.Events[1]);
        Assert.Equal(first.ValueId, second.ValueId);
        Assert.Same(cell.Command, first.Command);
        Assert.Equal(["text/html=<b>1</b>", "text/plain=1"], first.FormattedValues.Select(v => $"{v.MimeType}={v.Value}"));
        Assert.Equal(["text/html=<b>2</b>", "text/plain=2"], second.FormattedValues.Select(v => $"{v.MimeType}={v.Value}"));
    }

    [Fact]
    public void An_update_from_a_thread_outside_the_cell_reaches_the_cell()
    {
        INotebookHost host = DotnetInteractiveHost.Create();
        using RunningCell cell = new();
        string id = host.Display(new Dictionary<string, string> { ["text/plain"] = "1" });

        Thread thread = new(() => host.Update(id, new Dictionary<string, string> { ["text/plain"] = "2" }));
        thread.UnsafeStart();
        thread.Join();

        Assert.Equal(2, cell.Events.Count);
    }

    [Fact]
    public void A_bar_of_a_cell_that_fails_says_where_it_stopped()
    {
        NotebookHost.Current = DotnetInteractiveHost.Create();
        using RunningCell cell = new();
        ProgressBar.Start("training", 5).Step();
        cell.Fail();

        DisplayedValueUpdated last = cell.Events.OfType<DisplayedValueUpdated>().Last();
        Assert.Contains("stopped at 1/5", last.FormattedValues.Single(v => v.MimeType == "text/plain").Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_kernels_assemblies_there_is_no_kernel_host() => Assert.False(DotnetInteractiveHost.IsAmong([typeof(string).Assembly]));

    [Fact]
    public void A_cell_of_dotnet_interactive_may_end_with_whatever_the_library_gives()
    {
        DotnetInteractiveHost.Create();
        using Linear layer = TorchSharp.torch.nn.Linear(3, 2);
        using Tensor small = ones(2, 2), large = ones(20, 20);
        using Tensor input = ones(1, 3);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.5);
        (object Value, string[] MimeTypes, string Text)[] values =
        [
            (new Table("t", "a").Add(1), ["text/html", "text/plain"], "t\na\n-\n1"),
            (NotebookClaims.Ours("pruning.x", "s", [1.0], Expect.Below(2)), ["text/html", "text/plain", Claim.MimeType], "[holds] pruning.x: s"),
            (new Recorded("accuracy", 97.5, "%"), ["text/plain", Recorded.MimeType], "accuracy: 97.5 %"),
            (ModelCount.Of(layer, input), ["text/html", "text/plain"], "layer"),
            (mask, ["text/plain"], mask.ToString()),
            (new Pruner(Saliency.Magnitude), ["text/plain"], "Pruner { Saliency = magnitude"),
            (small, ["text/plain"], "[2x2], type = Float32, device = cpu\n 1 1\n 1 1"),
            (large, ["text/plain"], "[20x20], type = Float32, device = cpu"),
            (Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [3.0, 4])]), ["text/html", "text/plain"], "t\na: 1 3.00; 2 4.00"),
            (Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [3.0, 4])]).Chart, ["text/html", "text/plain"], "("),
        ];
        Assert.All(values, value =>
        {
            IReadOnlyList<FormattedValue> shown = FormattedValue.CreateManyFromObject(value.Value);
            Assert.Equal(value.MimeTypes, shown.Select(v => v.MimeType));
            Assert.StartsWith(value.Text, shown.Single(v => v.MimeType == "text/plain").Value, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void An_assembly_that_the_host_has_in_an_older_build_is_the_hosts_loaded_or_not()
    {
        AssemblyProbing.Attach();
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), a => a.GetName().Name == "System.Formats.Tar");

        Assert.NotEqual(99, Assembly.Load("System.Formats.Tar, Version=99.0.0.0").GetName().Version!.Major);
        Assert.NotEqual(99, Assembly.Load("System.Formats.Tar, Version=99.1.0.0").GetName().Version!.Major);
        Assert.Throws<FileNotFoundException>(() => Assembly.Load("No.Such.Assembly, Version=1.0.0.0"));
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

        Assert.Equal(["method     accuracy (%)", "---------  ------------", "a<b                97.1", "long name           5.0"],
            table.ToBundle()["text/plain"].Split('\n'));
        Assert.Contains("a&lt;b", table.ToBundle()["text/html"], StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => table.Add("x"));
    }

    /// <summary>A cell that the kernel runs, as far as a host sees it.</summary>
    private sealed class RunningCell : IDisposable, IObserver<KernelEvent>
    {
        private readonly KernelInvocationContext _context;

        public RunningCell()
        {
            _context = KernelInvocationContext.GetOrCreateAmbientContext(Command);
            _context.KernelEvents.Subscribe(this);
        }

        public KernelCommand Command { get; } = new SubmitCode("");

        public List<KernelEvent> Events { get; } = [];

        public void Fail() => _context.Fail(Command, new InvalidOperationException("told"));

        public void Dispose() => _context.Dispose();

        public void OnNext(KernelEvent value)
        {
            lock (Events)
            {
                Events.Add(value);
            }
        }

        public void OnError(Exception error)
        {
        }

        public void OnCompleted()
        {
        }
    }
}
