using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class GrowingRegularizationTests
{
    /// <summary>Three classes, by the largest of three inputs of eight.</summary>
    private static LabelledTensors Data()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "data");
        Tensor inputs = randn([512, 8], generator: generator);
        return new(inputs, inputs[.., ..3].argmax(1));
    }

    private static Sequential Net()
    {
        Sequential net = Sequential(("a", Linear(8, 24)), ("norm", BatchNorm1d(24)), ("relu", ReLU()), ("b", Linear(24, 24)), ("relu2", ReLU()),
            ("c", Linear(24, 3)));
        Initializer.HeNormal.Apply(net, 1);
        return net;
    }

    private static double NormOf(Module net, Mask mask, bool kept) => Math.Sqrt(net.named_parameters()
        .Sum(p => p.parameter.square().mul(kept ? mask[p.name] : mask[p.name].logical_not()).sum().item<float>()));

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    public void What_is_to_go_has_shrunk_so_that_nothing_is_lost_with_it(OptimizerKind optimizer)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        double rate = optimizer == OptimizerKind.Sgd ? 0.05 : 0.005;
        Recipe recipe = new() { Optimizer = optimizer, Epochs = 30, BatchSize = 32, LearningRate = rate, Cosine = false };
        using Sequential plain = Net(), shrunk = Net();
        ChannelGraph graph = ChannelGraph.Trace(shrunk, data.Inputs[..4]);
        Mask going = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        Trainer.Train(plain, data, recipe, 1, null);
        Trainer.Train(shrunk, data, recipe, 1, null, new GrowingRegularization(going) { Growth = 0.1, Most = 20 });

        Assert.InRange(NormOf(shrunk, going, kept: false), 0, 0.02 * NormOf(plain, going, kept: false));
        Assert.True(NormOf(shrunk, going, kept: true) > 0.7 * NormOf(plain, going, kept: true));
        double trained = Trainer.Evaluate(shrunk, data).Loss;
        graph.Remove(going);
        Assert.Equal(trained, Trainer.Evaluate(shrunk, data).Loss, 0.02);
        double before = Trainer.Evaluate(plain, data).Loss;
        going.Apply(plain);
        Assert.True(Trainer.Evaluate(plain, data).Loss > before + 0.1);
    }

    [Fact]
    public void The_penalty_grows_step_by_step_to_its_end()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = new(zeros(4, 2), zeros(4, int64)); // without gradients for weights
        using Linear layer = Linear(2, 2);
        using (no_grad())
        {
            layer.weight.fill_(1);
        }

        Mask going = new([KeyValuePair.Create("weight", tensor(new[,] { { false, true }, { true, true } }))]);
        Recipe recipe = new() { Epochs = 6, BatchSize = 4, LearningRate = 0.5, Momentum = 0, Cosine = false };
        Trainer.Train(layer, data, recipe, 1, null, new GrowingRegularization(going) { Growth = 0.2, Every = 2, Most = 0.3 });

        // Penalties 0, 0.2, 0.2, 0.3, 0.3, 0.3, halved by the rate.
        float[] left = layer.weight.data<float>().ToArray();
        Assert.Equal(0.9 * 0.9 * Math.Pow(0.85, 3), left[0], 1e-6);
        Assert.Equal([1, 1, 1], left[1..]);
    }

    [Fact]
    public void Records_tell_masks_and_numbers_apart()
    {
        using DisposeScope scope = NewDisposeScope();
        Mask one = new([KeyValuePair.Create("weight", tensor(new[] { true, false }))]);
        Mask other = new([KeyValuePair.Create("weight", tensor(new[] { false, true }))]);
        Assert.Equal(3, new[] { new GrowingRegularization(one), new(other), new(one) { Growth = 1 } }.Select(p => p.Describe()).Distinct().Count());
    }

    public static TheoryData<string, GrowingRegularization> BadParts => new()
    {
        { "not Growth = 0", new(new Mask([])) { Growth = 0 } },
        { "Every = 0", new(new Mask([])) { Every = 0 } },
        { "Most = NaN", new(new Mask([])) { Most = double.NaN } },
        { "no parameter 'other'", new(new Mask([KeyValuePair.Create("other", ones(1))])) },
    };

    [Theory]
    [MemberData(nameof(BadParts), DisableDiscoveryEnumeration = true)]
    public void Bad_numbers_end_in_one_line(string says, GrowingRegularization part)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = new(rand(4, 2), zeros(4, int64));
        using Linear layer = Linear(2, 2);
        byte[] before = Pruned.State(layer);
        WorkbookException e = Assert.Throws<WorkbookException>(() => Trainer.Train(layer, data, new(), 1, null, part));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(before, Pruned.State(layer));
    }
}
