using Xunit;
using static TorchSharp.torch;

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

    [Fact]
    public void A_trainings_bar_counts_its_steps_and_leaves_its_record_as_it_is()
    {
        RecordingHost host = new() { UpdatesInPlace = false };
        NotebookHost.Current = host;
        LabelledTensors data = new(zeros(20, 4), zeros(20, ScalarType.Int64));
        using var model = nn.Sequential(("fc", nn.Linear(4, 2)));
        Recipe recipe = new() { Epochs = 2, BatchSize = 5 };
        TrainingBar bar = new("train");
        Assert.Equal(RunStore.Describe(model, data, recipe, 0).Hash, RunStore.Describe(model, data, recipe, 0, null, bar).Hash);
        foreach (int seed in new[] { 0, 1 })
        {
            Trainer.Train(model, data, recipe, seed, null, bar);
            Assert.Equal(seed + 1, host.Updates.Count);
            Assert.StartsWith("train [####################] 8/8 · ", host.Updates[^1].Bundle["text/plain"], StringComparison.Ordinal);
        }

        Trainer.Train(model, data, recipe with { Epochs = 0 }, 0, null, bar);
        Assert.Equal(2, host.Updates.Count);
    }
}
