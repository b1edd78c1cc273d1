using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>What is not a number is never kept as a finished run.</summary>
public sealed class UnsoundRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(65, 64)]
    [InlineData(5, 1)]
    [InlineData(1, 64)]
    public void A_batch_of_one_behind_a_batch_norm_leaves_no_run(int examples, int batch)
    {
        RunStore store = RunStore.Open(_folder.Path);
        using Sequential net = nn.Sequential(("l", nn.Linear(20, 16)), ("b", nn.BatchNorm1d(16)), ("f", nn.Linear(16, 3)));
        using LabelledTensors data = new(randn(examples, 20), randint(0, 3, examples));
        string message = Assert.Throws<WorkbookException>(() => store.Train(net, data, new Recipe { Epochs = 2, BatchSize = batch }, 1)).Message;
        Assert.StartsWith($"{examples} examples in batches of {batch} make a batch of one, of which the norm 'b'", message);
        Assert.Empty(store.List());
    }

    [Fact]
    public void Data_that_is_not_a_number_is_named_and_leaves_no_run()
    {
        RunStore store = RunStore.Open(_folder.Path);
        using Linear net = nn.Linear(20, 3);
        foreach (int example in new[] { 3, 90 })
        {
            Tensor inputs = randn(100, 20);
            inputs[example, 0] = float.NaN;
            using LabelledTensors data = new(inputs, randint(0, 3, 100)) { Name = "table" };
            Assert.StartsWith($"example {example} of table holds NaN",
                Assert.Throws<WorkbookException>(() => store.Train(net, data, new Recipe { Epochs = 1, BatchSize = 8, LearningRate = 0.01 }, 1)).Message);
        }

        Assert.Empty(store.List());
    }

    [Theory]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(float.NegativeInfinity, true)]
    public void Weights_of_ones_own_loop_are_looked_at_too(float value, bool isCheckpoint)
    {
        RunStore store = RunStore.Open(_folder.Path);
        using Linear net = nn.Linear(20, 3);
        using LabelledTensors data = new(randn(8, 20), randint(0, 3, 8));
        Dictionary<string, Tensor> sound = net.state_dict(), unsound = new() { ["weight"] = net.weight.detach().clone(), ["bias"] = full(3, value) };
        RunRecord record = RunStore.Describe(net, data, new Recipe(), 1);
        RunResult Result() => new()
        {
            Metrics = new Dictionary<string, Curve>(),
            Weights = isCheckpoint ? sound : unsound,
            Checkpoints = new Dictionary<long, IReadOnlyDictionary<string, Tensor>> { [1] = unsound },
        };
        Assert.Contains("ends with NaN or infinity in 'bias'", Assert.Throws<WorkbookException>(() => store.Get(record, Result)).Message);
        Assert.Null(store.Find(record));
        Assert.Empty(store.List());
    }
}
