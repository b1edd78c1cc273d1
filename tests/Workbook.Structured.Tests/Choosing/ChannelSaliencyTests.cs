using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class ChannelSaliencyTests
{
    private static Sequential Net(params (string, Module<Tensor, Tensor>)[] layers) => Sequential(layers);

    private static void Put(Module net, string name, Tensor values)
    {
        using IDisposable noGrad = no_grad();
        net.get_parameter(name)!.copy_(values.reshape(net.get_parameter(name)!.shape));
    }

    private static int[] Gone(Mask mask, string name) =>
        [.. mask[name].flatten(1).any(1).data<bool>().ToArray().Index().Where(c => !c.Item).Select(c => c.Index)];

    [Fact]
    public void The_filter_that_another_one_repeats_goes_first_however_large_it_is()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Conv2d(1, 5, 2, bias: false)), ("relu", ReLU()), ("b", Conv2d(5, 2, 1)));
        float[,] filters = { { 1, 0, 0, 0 }, { 0, 1.2f, 0, 0 }, { 0, 0, 1, 0 }, { 0, 1.2f, 0, 0 }, { 0, 0, 0, 1 } };
        Put(net, "a.weight", tensor(filters));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 1, 4, 4));

        Assert.Equal([1], Gone(new ChannelPruner(ChannelSaliency.GeometricMedian).Prune(graph, 0.2), "a.weight"));
        Assert.Equal([0, 2, 4], Gone(new ChannelPruner(Saliency.Magnitude) { Slices = ScoredSlices.Filters }.Prune(graph, 0.6), "a.weight"));

        // Eq. 5 of He et al. 2019 by hand: the sum of the distances to the other filters.
        double[] expected = [.. Enumerable.Range(0, 5).Select(i => Enumerable.Range(0, 5)
            .Sum(j => Math.Sqrt(Enumerable.Range(0, 4).Sum(k => Math.Pow(filters[i, k] - filters[j, k], 2)))))];
        double[] scores = ChannelSaliency.GeometricMedian.Score("a.weight", (Parameter)net.get_parameter("a.weight")!, 0).data<double>().ToArray();
        Assert.Equal(expected, scores, (one, other) => Math.Abs(one - other) < 1e-6);
    }

    [Fact]
    public void A_transposed_convolution_and_weights_by_themselves_are_scored_by_channels_too()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", ConvTranspose2d(2, 4, 1, bias: false)), ("b", Conv2d(4, 2, 1)));
        Put(net, "a.weight", tensor(new[,] { { 2f, 0, 2, 0 }, { 0, 1, 0, -1 } })); // [in, out]: channels 0 and 2 are alike
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 2, 3, 3));
        Mask mask = new ChannelPruner(ChannelSaliency.GeometricMedian).Prune(graph, 0.25);
        Assert.False(mask["a.weight"][.., 0].any().item<bool>());

        using Linear layer = Linear(2, 3, hasBias: false);
        Put(layer, "weight", tensor(new[,] { { 1f, 0 }, { 9, 9 }, { 0, 1 } }));
        Mask rows = new Pruner(ChannelSaliency.GeometricMedian) { Granularity = Granularity.Channel(double.PositiveInfinity) }.Prune(layer, 2 / 3.0);
        Assert.Equal([0, 2], Gone(rows, "weight"));
    }

    [Fact]
    public void Lamp_compares_channels_of_groups_by_their_share_of_the_squares()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Linear(1, 4, hasBias: false)), ("b", Linear(4, 4, hasBias: false)), ("c", Linear(4, 2)));
        Put(net, "a.weight", tensor(new float[] { 2, 1, 3, 4 }));
        Put(net, "b.weight", ones(4, 4));
        ChannelPruner pruner = new(Saliency.Magnitude) { Slices = ScoredSlices.Filters, Scope = Scope.Global() };
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 1));

        // a: 4/29, 1/30, 9/25, 1; b: 1/4, 1/3, 1/2, 1. By means: a: 0.8, 0.4, 1.2, 1.6; b: 1.
        Mask lamp = (pruner with { Comparison = Comparison.Lamp }).Prune(graph, 5 / 8.0), mean = pruner.Prune(graph, 5 / 8.0);
        Assert.Equal(([0, 1, 2], [0, 1]), (Gone(lamp, "a.weight"), Gone(lamp, "b.weight")), Same);
        Assert.Equal(([0, 1], [0, 1, 2]), (Gone(mean, "a.weight"), Gone(mean, "b.weight")), Same);
        Mask plain = (pruner with { Comparison = Comparison.None }).Prune(graph, 5 / 8.0); // a: 2, 1, 3, 4; b: 2
        Assert.Equal(([0, 1], [0, 1, 2]), (Gone(plain, "a.weight"), Gone(plain, "b.weight")), Same);

        static bool Same((int[] A, int[] B) one, (int[] A, int[] B) other) => one.A.SequenceEqual(other.A) && one.B.SequenceEqual(other.B);
    }

    [Fact]
    public void What_gives_least_on_the_data_goes_first()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Conv2d(1, 3, 1)), ("norm", BatchNorm2d(3)), ("relu", ReLU()), ("flat", Flatten()), ("b", Linear(12, 2)));
        Put(net, "a.weight", tensor(new[] { 5f, -2, 1 }));
        Put(net, "a.bias", tensor(new[] { -5f, 0, 0 }));
        Put(net, "norm.weight", tensor(new[] { 1f, 1, 9 }));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 1, 2, 2));

        // On ones the largest weight gives 0, for its bias.
        ChannelSaliency activation = Activation.Mean(graph, ones(3, 1, 2, 2));
        Assert.Equal([0, 2, 1], activation.Score("a.weight", (Parameter)net.get_parameter("a.weight")!, 0).data<double>().ToArray());
        ChannelPruner pruner = new(activation) { Slices = ScoredSlices.Filters };
        Assert.Equal([0], Gone(pruner.Prune(graph, 1 / 3.0), "a.weight"));
        Assert.Equal([0, 2], Gone(pruner.Prune(graph, 2 / 3.0), "a.weight"));

        // The norm's scale turns the order of what it is given: 0, 2, 9.
        Assert.Equal([0, 1], Gone((pruner with { Slices = ScoredSlices.BatchNormScale }).Prune(graph, 2 / 3.0), "a.weight"));
        Assert.Equal((true, 0), (net.training, net.get_buffer("norm.num_batches_tracked")!.item<long>()));
        Assert.NotEqual(activation.ToString(), Activation.Mean(graph, ones(3, 1, 2, 2).mul(2)).ToString());
    }

    [Fact]
    public void The_channels_of_a_network_of_the_workbook_are_chosen_by_what_they_give()
    {
        using DisposeScope scope = NewDisposeScope();
        using ConvNet net = new(seed: 1);
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 1, 28, 28));
        Put(net, "conv2.weight", net.get_parameter("conv2.weight")!.detach().index_fill(0, tensor(new long[] { 4, 9 }), 0));
        Mask mask = new ChannelPruner(Activation.Mean(graph, rand(8, 1, 28, 28))) { Slices = ScoredSlices.Filters }.Prune(graph, 2 / 32.0);
        Assert.Equal([4, 9], Gone(mask, "conv2.weight"));
        Assert.Equal(2 + 1 + 2 + 8, graph.Remove(mask)); // of 32, 16, 32 and 128
        Assert.Equal([2, 10], net.forward(rand(2, 1, 28, 28)).shape);
    }

    [Fact]
    public void Weights_that_cancel_out_are_worth_nothing_together()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Linear(2, 3, hasBias: false)), ("b", Linear(3, 2, hasBias: false)));
        Put(net, "a.weight", tensor(new[,] { { 1f, 1 }, { 7, -7 }, { 2, 1 } }));
        Put(net, "b.weight", tensor(new[,] { { 1f, 1, 1 }, { -1, -1, -1 } }));
        using LabelledTensors data = new(tensor(new[,] { { 1f, 1 }, { -1, -1 } }), tensor(new long[] { 1, 0 }));
        net.get_parameter("a.weight")!.grad = full(3, 2, 5);
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 2));

        ChannelPruner rows = new(Fisher.OfChannels(graph, data)) { Slices = ScoredSlices.Filters };
        ChannelPruner weights = new(Fisher.OfWeights(net, data)) { Slices = ScoredSlices.Filters, Norm = 1 };
        Assert.Equal([1], Gone(rows.Prune(graph, 1 / 3.0), "a.weight"));
        Assert.Equal([0], Gone(weights.Prune(graph, 1 / 3.0), "a.weight"));
        Assert.Equal(full(3, 2, 5), net.get_parameter("a.weight")!.grad!, (one, other) => one.equal(other).all().item<bool>());

        // By hand: logits ±5, so that what the softmax gives to the label is 1 − p, with gradients of size 2p on each unit of a.
        double p = 1 / (1 + Math.Exp(-10));
        double[] byHand = Fisher.OfWeights(net, data).Score("a.weight", (Parameter)net.get_parameter("a.weight")!).data<double>().ToArray();
        Assert.Equal([2 * p * p, 2 * p * p, 98 * p * p, 98 * p * p, 8 * p * p, 2 * p * p], byHand, (one, other) => Math.Abs(one - other) < 1e-4);
    }

    public static TheoryData<string, Func<object>> BadCalls => new()
    {
        { "no examples", () => Fisher.OfWeights(Linear(2, 2), new LabelledTensors(zeros(0, 2), zeros(0, int64))) },
        { "not take inputs of shapes [3, 7]", () =>
            Activation.Mean(ChannelGraph.Trace(Net(("a", Linear(2, 2)), ("b", Linear(2, 2))), rand(1, 2)), rand(3, 7)) },
        { "'a.weight' had no gradient", () => Frozen() },
        { "'inner.weight' gives was not seen: forward passes hooks by", () => Unhooked() },
    };

    private static Mask Frozen()
    {
        Sequential net = Net(("a", Linear(2, 3)), ("b", Linear(3, 2)));
        net.get_parameter("a.weight")!.requires_grad = false;
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 2));
        return new ChannelPruner(Fisher.OfChannels(graph, new LabelledTensors(rand(2, 2), zeros(2, int64)))).Prune(graph, 0.5);
    }

    private static Mask Unhooked()
    {
        PassesBy net = new();
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 2));
        return new ChannelPruner(Activation.Mean(graph, rand(4, 2))).Prune(graph, 0.5);
    }

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line(string says, Func<object> call)
    {
        using DisposeScope scope = NewDisposeScope();
        WorkbookException e = Assert.Throws<WorkbookException>(call);
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    private sealed class PassesBy : Module<Tensor, Tensor>
    {
        private readonly Linear inner = Linear(2, 3), outer = Linear(3, 2);

        internal PassesBy()
            : base(nameof(PassesBy)) => RegisterComponents();

        public override Tensor forward(Tensor input) => outer.call(inner.forward(input));
    }
}
