using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>What stands between layers: what it ties together goes together, and what can't be followed stays and says why.</summary>
public sealed class OperationTests
{
    private sealed class Net(Func<Func<string, Module<Tensor, Tensor>>, Tensor, Tensor> run) : Module<Tensor, Tensor>(nameof(Net))
    {
        private readonly Dictionary<string, Module<Tensor, Tensor>> _layers = [];

        internal Net With(string name, Module<Tensor, Tensor> layer)
        {
            register_module(name, _layers[name] = layer);
            return this;
        }

        public override Tensor forward(Tensor input) => run(name => _layers[name], input);
    }

    private static Tensor Attended(Func<string, Module<Tensor, Tensor>> l, Tensor x, Func<Tensor, Tensor> heads)
    {
        Tensor weights = heads(l("q").forward(x)).matmul(heads(l("k").forward(x)).transpose(-2, -1)).div(2).softmax(-1);
        return l("f").forward(l("o").forward(weights.matmul(heads(l("v").forward(x))).transpose(1, 2).flatten(2)).relu().mean([1L]));
    }

    private static Net Attention(Func<Tensor, Tensor> heads) => new Net((l, x) => Attended(l, x, heads)).With("q", Linear(5, 12)).With("k", Linear(5, 12))
        .With("v", Linear(5, 12)).With("o", Linear(12, 8)).With("f", Linear(8, 2));

    public static TheoryData<string, Func<Module<Tensor, Tensor>>, Func<Tensor>, string> Followed => new()
    {
        { "gate", () => new Net((l, x) => l("f").forward(l("g").forward(x).sigmoid() * l("a").forward(x).relu())).With("a", Linear(4, 8))
            .With("g", Linear(4, 1))
            .With("f", Linear(8, 2)), () => zeros(2, 4), "a: 8 units\ng: 1 units, all stay: each of its channels scales several that 'f' reads\nf: 2 units" },
        { "chunk", () => new Net((l, x) => l("a").forward(x).relu().chunk(2, 1) is var y ? l("f").forward(cat([y[0], l("b").forward(y[1]), y[1]], 1)
            .mean([2L, 3])) : x).With("a", Conv2d(1, 8, 1)).With("b", Conv2d(4, 6, 1)).With("f", Linear(14, 2)), () => zeros(1, 1, 4, 4),
                "a: 4 units\nb: 6 units\nf" },
        { "shuffle", () => new Net((l, x) => l("b").forward(l("a").forward(x).relu() is var y
            ? y.view(y.shape[0], 2, -1, 4, 4).transpose(1, 2).flatten(1, 2) : x))
            .With("a", Conv2d(1, 8, 1)).With("b", Conv2d(8, 2, 1)), () => zeros(1, 1, 4, 4), "a: 4 units\nb" },
        { "slices", () => new Net((l, x) => l("a").forward(x).relu() is var y ? l("f").forward(cat([y.narrow(1, 3, 5), y.narrow(1, 0, 3)], 1)) : x)
            .With("a", Linear(4, 8)).With("f", Linear(8, 2)), () => zeros(2, 4), "a: 8 units, all stay: without some the model does not run" },
        { "in place", () => new Net((l, x) => l("f").forward(l("a").forward(x).mul_(2).relu_())).With("a", Linear(4, 8)).With("f", Linear(8, 2)),
            () => zeros(2, 4), "a: 8 units\nf" },
        { "siamese", () => new Net((l, x) => l("f").forward((l("a").forward(x.narrow(1, 0, 4)).relu() - l("a").forward(x.narrow(1, 4, 4)).relu()).abs()))
            .With("a", Linear(4, 8)).With("f", Linear(8, 2)), () => zeros(2, 8), "a: 8 units\nf" },
        { "heads of one size", () => Attention(x => x.view(x.shape[0], x.shape[1], 3, -1).transpose(1, 2)), () => zeros(1, 6, 5),
            "q, k, v: 4 units\no: 8 units" },
        { "heads of one number of channels", () => Attention(x => x.view(x.shape[0], x.shape[1], -1, 4).transpose(1, 2)), () => zeros(1, 6, 5),
            "q, k, v: 3 units\no: 8 units" },
        { "local response norm", () => Sequential(("a", Conv2d(1, 8, 3, padding: 1)), ("n", LocalResponseNorm(5, 5e-4, 0.75, 2)), ("b", Conv2d(8, 6, 3)),
            ("f", Conv2d(6, 2, 3))), () => zeros(1, 1, 8, 8), "a: 8 units, all stay: more depends on them than the inputs that read them\nb: 6 units\nf" },
        { "a mean over channels", () => new Net((l, x) => l("a").forward(x).relu() is var y
            ? l("f").forward(y * l("g").forward(y.mean([1L], true)).sigmoid()) : x)
            .With("a", Conv2d(1, 8, 3)).With("g", Conv2d(1, 1, 1)).With("f", Conv2d(8, 2, 1)), () => zeros(1, 1, 8, 8),
            "a: 8 units, all stay: more depends on them than the inputs that read them\ng: 1 units, all stay: each of its channels scales" },
    };

    [Theory]
    [MemberData(nameof(Followed), DisableDiscoveryEnumeration = true)]
    public void Operations_are_followed_or_say_why_not(string what, Func<Module<Tensor, Tensor>> build, Func<Tensor> example, string groups)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(11);
        Module<Tensor, Tensor> net = build();
        Tensor input = example();
        ChannelGraph graph = ChannelGraph.Trace(net, input);
        Assert.True(graph.ToString().StartsWith(groups, StringComparison.Ordinal), $"{what}\n{graph}");
        if (graph.Groups.Any(g => g.WholeBecause is null))
        {
            Pruned.Check(net, 0.5, input);
        }
    }

    [Fact]
    public void Noise_and_dropout_in_forward_do_not_hide_what_is_there()
    {
        using DisposeScope scope = NewDisposeScope();
        Net net = new Net((l, x) => l("a").forward(x).relu() is var y ? l("f").forward(functional.dropout(y + (randn_like(y) * 0.1), 0.5, l("a").training)) : x)
            .With("a", Linear(4, 8)).With("f", Linear(8, 2));
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 4));
        Assert.Equal("a: 8 units", graph.Groups[0].ToString());
        Assert.Equal(4, graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5)));
        Assert.Equal([1, 2], net.forward(zeros(1, 4)).shape);
    }

    private sealed class Several() : Module<Tensor, Tensor, (Tensor, Dictionary<string, Tensor>)>(nameof(Several))
    {
        private readonly Linear a = Linear(4, 8), b = Linear(3, 8), c = Linear(8, 2), d = Linear(8, 3);

        internal Several Registered()
        {
            RegisterComponents();
            return this;
        }

        public override (Tensor, Dictionary<string, Tensor>) forward(Tensor one, Tensor other)
        {
            Tensor sum = (a.forward(one) + b.forward(other)).relu();
            return (c.forward(sum), new() { ["d"] = d.forward(sum) });
        }
    }

    [Fact]
    public void Several_inputs_and_answers_are_taken_as_they_are()
    {
        using DisposeScope scope = NewDisposeScope();
        Several net = new Several().Registered();
        Tensor[] example = [zeros(2, 4), zeros(2, 3)];
        ChannelGraph graph = Pruned.Check(net, 0.5, example, ChannelGraph.Trace(net, example), x => net.forward(x[0], x[1]) is var (one, table)
            ? [one, table["d"]] : []);
        Assert.Equal("a, b: 8 units", graph.Groups[0].ToString());
        Assert.Equal([4, 3], net.get_parameter("b.weight")!.shape);
    }

    [Fact]
    public void Inference_mode_is_left_as_it_is()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(Linear(4, 8), ReLU(), Linear(8, 2));
        using IDisposable inference = inference_mode();
        Assert.Equal("0: 8 units", ChannelGraph.Trace(net, zeros(1, 4)).Groups[0].ToString());
        Assert.True(is_inference_mode_enabled());
    }

    [Fact]
    public void A_transformer_loses_channels_of_its_stream_its_heads_and_its_units()
    {
        using DisposeScope scope = NewDisposeScope();
        VisionTransformer net = new(1, size: 14, width: 24, depth: 2);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 1, 14, 14));
        ChannelGroup stream = graph.Groups.Single(g => g.Layers.Contains("patches"));
        Assert.Equal((24, 5), (stream.Units.Count, stream.Renormalized.Count));
        Assert.Contains("token", stream.Layers);
        Assert.Equal(6, graph.Groups.Single(g => g.Layers.Contains("blocks.1.query")).Units.Count);
        Pruned.Check(net, 0.5, zeros(1, 1, 14, 14));
        Assert.Equal([12, 12], net.get_parameter("blocks.0.query.weight")!.shape);
        Assert.Equal([1, 5, 12], net.get_parameter("positions")!.shape);
    }
}
