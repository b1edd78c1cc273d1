using Workbook.Notebook;

namespace Workbook.Cli.Kernel;

/// <summary>The headless runner as a notebook host: outputs go to the runner process.</summary>
internal sealed class RunnerHost(EventChannel channel) : INotebookHost
{
    private int _lastId;

    public string Name => "workbook run";

    /// <summary>The executed notebook, too, shows its charts wherever it is opened.</summary>
    public bool WantsPlotly => true;

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        string id = Interlocked.Increment(ref _lastId).ToString();
        channel.Send(new KernelEvent(KernelEventKind.Display) { Id = id, Bundle = OutputLimits.Cut(bundle) });
        return id;
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle)
    {
        ArgumentNullException.ThrowIfNull(id);
        channel.Send(new KernelEvent(KernelEventKind.Update) { Id = id, Bundle = OutputLimits.Cut(bundle) });
    }
}
