using Xunit;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class ProgressTests
{
    [Fact]
    public void A_bar_says_how_many_runs_are_under_way()
    {
        RecordingHost host = new();
        NotebookHost.Current = host;
        ProgressBar bar = ProgressBar.Start("trainings", 3);
        Thread.Sleep(350);
        IDisposable first = bar.Running(), second = bar.Running();
        Thread.Sleep(350);
        first.Dispose();
        first.Dispose();
        bar.Step();
        Assert.StartsWith("trainings [######..............] 1/3 done, 1 running · ", host.Updates[^1].Bundle["text/plain"], StringComparison.Ordinal);
        Assert.Contains(host.Updates, u => u.Bundle["text/plain"].Contains("0/3 done, 2 running", StringComparison.Ordinal));
        second.Dispose();
        bar.Step(2);
        Assert.StartsWith("trainings [####################] 3/3 · ", host.Updates[^1].Bundle["text/plain"], StringComparison.Ordinal);
    }
}
