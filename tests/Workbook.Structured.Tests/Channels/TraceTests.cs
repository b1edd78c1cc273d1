using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class TraceTests
{
    /// <summary>Layers a, b, c, … and a forward of one's own.</summary>
    private sealed class Net : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor>[] _layers;
        private readonly Func<Module<Tensor, Tensor>[], Tensor, Tensor> _forward;

        internal Net(Func<Module<Tensor, Tensor>[], Tensor, Tensor> forward, params Module<Tensor, Tensor>[] layers)
            : base(nameof(Net))
        {
            (_layers, _forward) = (layers, forward);
            foreach ((Module<Tensor, Tensor> layer, int i) in layers.Select((layer, i) => (layer, i)))
            {
                register_module(((char)('a' + i)).ToString(), layer);
            }
        }

        public override Tensor forward(Tensor input) => _forward(_layers, input);
    }

    private static Tensor Chain(Module<Tensor, Tensor>[] layers, Tensor x) => layers.Aggregate(x, (y, layer) => layer.forward(y).relu());

    private static Linear SharedWith(Linear other)
    {
        Linear layer = Linear(4, 4);
        layer.weight = other.weight;
        return layer;
    }

    private static Net Tied()
    {
        Linear first = Linear(4, 4);
        return new(Chain, first, SharedWith(first));
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Untraceable => new()
    {
        { "'b', a BatchNorm1d, has no running statistics: its answer to an example depends on the others of the batch", () =>
            new Net(Chain, Linear(4, 4), BatchNorm1d(4, track_running_stats: false), Linear(4, 2)) },
        { "'a' and 'b' share one weight", Tied },
        { "'a' → 'a' feed each other in a cycle", () => new Net((l, x) => l[1].forward(l[0].forward(l[0].forward(x))), Linear(4, 4), Linear(4, 2)) },
        { "'a' → 'b' → 'a' feed each other in a cycle", () =>
            new Net((l, x) => l[2].forward(l[0].forward(l[1].forward(l[0].forward(x)))), Linear(4, 4), Linear(4, 4), Linear(4, 2)) },
        { "does not take the example input of shape [2, 4]: mat1 and mat2 shapes cannot be multiplied", () => new Net(Chain, Linear(5, 4)) },
        { "no linear layer and no convolution", () => new Net(Chain, ReLU()) },
    };

    [Theory]
    [MemberData(nameof(Untraceable), DisableDiscoveryEnumeration = true)]
    public void A_model_that_cant_be_traced_is_refused_and_stays(string says, Func<Module<Tensor, Tensor>> build)
    {
        using DisposeScope scope = NewDisposeScope();
        using Module<Tensor, Tensor> net = build();
        byte[] before = State(net);
        string message = Assert.Throws<WorkbookException>(() => ChannelGraph.Trace(net, rand(2, 4))).Message;
        Assert.Contains(says, message);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(before, State(net));
        Assert.True(net.training);
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Whole => new()
    {
        { "a: 4 units, all stay: what reaches 'b' is not zero when they are", () =>
            new Net((l, x) => l[1].forward(l[0].forward(x).sigmoid()), Linear(4, 4), Linear(4, 2)) },
        { "a: 4 units, all stay: what reaches 'b' is not zero when they are", () =>
            new Net((l, x) => l[1].forward(l[0].forward(x) + x), Linear(4, 4), Linear(4, 2)) },
        { "a: 4 units, all stay: what reaches 'b' is not zero when they are", () =>
            new Net((l, x) => l[1].forward(functional.softmax(l[0].forward(x), 1)), Linear(4, 4), Linear(4, 2)) },
        { "a: 4 units, all stay: what leads to 'b' mixes its channels", () =>
            new Net((l, x) => l[1].forward(l[0].forward(x).cumsum(1)), Linear(4, 4), Linear(4, 2)) },
        { "a: 4 units, all stay: it has no part in the output for the example input", () =>
            new Net((l, x) => l[1].forward(x), Linear(4, 4), Linear(4, 2)) },
        { "a: 4 units, all stay: it has no part in the output for the example input: it runs only in training, or stands behind detach", () =>
            new Net((l, x) => l[2].forward(l[1].forward(l[0].forward(x)).detach()), Linear(4, 4), Linear(4, 4), Linear(4, 2)) },
        { "a: 6 units, all stay: without some the model does not run: its forward counts on their number", () =>
            new Net((l, x) => l[1].forward(l[0].forward(x).relu().view(-1, 6)), Linear(4, 6), Linear(6, 2)) },
        { "a: 6 units, all stay: without some the model computes something else than with zeros in their place", () =>
            new Net((l, x) => l[0].forward(x).relu() is var y ? l[1].forward(y / y.shape[1]) : x, Linear(4, 6), Linear(6, 2)) },
        { "a: 4 units, all stay: its channels are the model's output", () =>
            new Net((l, x) => l[0].forward(x) + l[1].forward(l[0].forward(x).relu()), Linear(4, 4), Linear(4, 4)) },
    };

    [Theory]
    [MemberData(nameof(Whole), DisableDiscoveryEnumeration = true)]
    public void Channels_that_cant_go_say_why(string says, Func<Module<Tensor, Tensor>> build)
    {
        using Module<Tensor, Tensor> net = build();
        ChannelGraph graph = ChannelGraph.Trace(net, rand(2, 4));
        Assert.StartsWith(says, graph.Groups[0].ToString());
        Assert.NotNull(graph.Groups[0].WholeBecause);
    }

    [Fact]
    public void A_layer_used_twice_side_by_side_loses_what_both_places_lose()
    {
        using DisposeScope scope = NewDisposeScope();
        using Net net = new((l, x) => l[2].forward(l[1].forward(l[0].forward(x)).relu() + l[1].forward(l[0].forward(-x))), Linear(4, 6), Linear(6, 8),
            Linear(8, 2));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(2, 4));
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        mask.Apply(net);
        Tensor inputs = randn(3, 4), zeroed = net.forward(inputs);
        Assert.Equal(7, graph.Remove(mask));
        Assert.True(net.forward(inputs).allclose(zeroed, 1e-5, 1e-6));
    }

    private static Mask MaskOf(params (string Name, Tensor Kept)[] kept) => new(kept.Select(k => KeyValuePair.Create(k.Name, k.Kept)));

    private static Tensor Without(Tensor ones, params long[] rows) => ones.index_fill_(0, tensor(rows), 0);

    public static TheoryData<string, Action<ChannelGraph>> BadCalls => new()
    {
        { "from 0 up to 1, not -0.1", g => new ChannelPruner(Saliency.Magnitude).Prune(g, -0.1) },
        { "from 0 up to 1, not NaN", g => new ChannelPruner(Saliency.Magnitude).Prune(g, double.NaN) },
        { "from 0 up to 1, not 1.5", g => new ChannelPruner(Saliency.Magnitude) { Scope = Scope.PerLayer((_, _) => 1.5) }.Prune(g, 0.5) },
        { "a ratio of 1 prunes every channel", g => new ChannelPruner(Saliency.Magnitude).Prune(g, 1) },
        { "there is no layer 'conv9' to leave out; the layers are conv1, conv2, fc1, fc2", g =>
            new ChannelPruner(Saliency.Magnitude) { Scope = Scope.Global("conv9") }.Prune(g, 0.5) },
        { "not Floor = 0, RoundTo = 1", g => new ChannelPruner(Saliency.Magnitude) { Floor = 0 }.Prune(g, 0.5) },
        { "'conv1.weight' has no gradient", g => new ChannelPruner(Saliency.Taylor).Prune(g, 0.5) },
        { "no batch norm goes with channel 0 of 'conv1'", g => new ChannelPruner(Saliency.Magnitude) { Slices = ScoredSlices.BatchNormScale }.Prune(g, 0.5) },
        { "the model has no parameter 'conv9.weight'", g => g.Remove(MaskOf(("conv9.weight", zeros(1)))) },
        { "the mask of 'conv1.weight' has shape [20, 1, 5], the parameter [20, 1, 5, 5]", g => g.Remove(MaskOf(("conv1.weight", ones(20, 1, 5)))) },
        { "the mask prunes every channel of 'conv1'", g => g.Remove(MaskOf(("conv1.weight", zeros(20, 1, 5, 5)), ("conv1.bias", zeros(20)))) },
        { "prunes channel 3 of 'conv1' but keeps something of channel 3 of 'conv1'", g => g.Remove(MaskOf(("conv1.weight", Without(ones(20, 1, 5, 5), 3)))) },
        { "prunes channel 2 of 'fc2', which has to stay: its channels are the model's output", g =>
            g.Remove(MaskOf(("fc2.weight", Without(ones(10, 500), 2)), ("fc2.bias", Without(ones(10), 2)))) },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line_and_the_model_stays(string says, Action<ChannelGraph> call)
    {
        using DisposeScope scope = NewDisposeScope();
        using LeNet5 net = LeNet5.Wide(1);
        byte[] before = State(net);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 1, 28, 28));
        string message = Assert.Throws<WorkbookException>(() => call(graph)).Message;
        Assert.Contains(says, message);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(before, State(net));
    }

    [Fact]
    public void A_graph_of_the_model_as_it_was_is_refused()
    {
        using LeNet5 net = LeNet5.Classic(1);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 1, 28, 28));
        ChannelPruner pruner = new(Saliency.Magnitude);
        graph.Remove(pruner.Prune(graph, 0.5));
        Assert.Equal("'conv1' is not as it was when the model was traced: trace it again",
            Assert.Throws<WorkbookException>(() => pruner.Prune(graph, 0.5)).Message);
    }

    [Fact]
    public void A_model_that_has_moved_to_another_dtype_has_to_be_traced_again()
    {
        using LeNet5 net = LeNet5.Classic(1);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 1, 28, 28));
        net.to(ScalarType.Float64);
        Assert.Contains("trace it again", Assert.Throws<WorkbookException>(() => new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5)).Message);
        Assert.True(ChannelGraph.Trace(net, zeros([1, 1, 28, 28], ScalarType.Float64)) is var again
            && again.Remove(new ChannelPruner(Saliency.Magnitude).Prune(again, 0.5)) == 3 + 8 + 60 + 42);
    }

    [Fact]
    public void What_a_shuffle_ties_together_goes_together()
    {
        using DisposeScope scope = NewDisposeScope();
        using Net net = new((l, x) => l[1].forward(l[0].forward(x).relu().reshape(x.shape[0], 2, -1).transpose(1, 2).flatten(1)), Linear(4, 6), Linear(6, 2));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(3, 4));
        Assert.Equal([("a", 1), ("a", 4)], graph.Groups[0].Units[1].Outputs);
        Assert.Equal([("b", 2), ("b", 3)], graph.Groups[0].Units[1].Inputs);
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.4);
        mask.Apply(net);
        Tensor inputs = randn(3, 4), zeroed = net.forward(inputs);
        Assert.Equal(1, graph.Remove(mask));
        Assert.True(net.forward(inputs).allclose(zeroed, 1e-5, 1e-6));
    }

    public static TheoryData<Func<Module<Tensor, Tensor>>, long[]> OtherDimensions => new()
    {
        { () => Sequential(Conv1d(2, 6, 3, padding: 2, dilation: 2), BatchNorm1d(6), ReLU(), Conv1d(6, 4, 3, bias: false), Flatten(), Linear(24, 2)),
            [2, 2, 8] },
        { () => Sequential(Conv3d(2, 6, 3, padding: 1, bias: false), BatchNorm3d(6), GELU(), Conv3d(6, 4, 2, stride: 2), Hardswish(), Flatten(),
            Linear(32, 2, hasBias: false)), [2, 2, 4, 4, 4] },
        { () => Sequential(Linear(5, 6), SiLU(), Linear(6, 4, hasBias: false), ReLU(), Linear(4, 3)), [2, 7, 5] },
        { () => Sequential(Conv2d(2, 6, (3, 5), stride: (2, 1), padding: (1, 2), padding_mode: PaddingModes.Circular), ELU(),
            Conv2d(6, 6, 3, padding: Padding.Same), Flatten(), Linear(6 * 4 * 8, 2)), [2, 2, 8, 8] },
    };

    [Theory]
    [MemberData(nameof(OtherDimensions), DisableDiscoveryEnumeration = true)]
    public void Other_dimensions_paddings_and_activations_are_followed_too(Func<Module<Tensor, Tensor>> build, long[] shape)
    {
        using DisposeScope scope = NewDisposeScope();
        using Module<Tensor, Tensor> net = build();
        net.eval();
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(shape));
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        mask.Apply(net);
        Tensor inputs = randn(shape), zeroed = net.forward(inputs);
        Assert.Equal(3 + (net.parameters().Any(p => p.shape[0] == 4) ? 2 : 3), graph.Remove(mask));
        Assert.True(net.forward(inputs).allclose(zeroed, 1e-5, 1e-6));
    }

    [Fact]
    public void A_graph_serves_other_networks_of_its_make_also_after_its_own_has_lost_channels()
    {
        using DisposeScope scope = NewDisposeScope();
        static Sequential Make() => Sequential(Conv2d(2, 6, 3), BatchNorm2d(6), ReLU(), Conv2d(6, 4, 3), Flatten(), Linear(16, 2));
        (Sequential first, Sequential second, Tensor inputs) = (Make(), Make(), randn(5, 2, 6, 6));
        ChannelGraph graph = ChannelGraph.Trace(first, inputs);
        graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5));
        second.eval();
        ChannelGraph other = graph.For(second);
        Assert.Equal(ChannelGraph.Trace(second, inputs).ToString(), other.ToString());
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(other, 0.5);
        mask.Apply(second);
        Tensor zeroed = second.forward(inputs);
        Assert.Equal(5, other.Remove(mask));
        Assert.True(second.forward(inputs).allclose(zeroed, 1e-5, 1e-6));
        Assert.Equal("'0' is not in both networks, or not of one shape: trace this one for itself",
            Assert.Throws<WorkbookException>(() => graph.For(Sequential(Conv2d(2, 7, 3), BatchNorm2d(7)))).Message);
        Assert.Equal("'3' is not in both networks, or not of one shape: trace this one for itself",
            Assert.Throws<WorkbookException>(() => graph.For(Sequential(Conv2d(2, 6, 3), BatchNorm2d(6)))).Message);
        Assert.Equal("a graph of Sequential is none of Linear: trace it", Assert.Throws<WorkbookException>(() => graph.For(Linear(2, 2))).Message);
        Assert.Equal("a graph of Sequential, called in a way of one's own, is none of Sequential: trace it", Assert.Throws<WorkbookException>(() =>
            ChannelGraph.Trace(Make(), [inputs], x => second.forward(x[0])).For(Make())).Message);
    }

    private static byte[] State(Module net) => [.. net.state_dict().SelectMany(s => s.Value.bytes.ToArray())];
}
