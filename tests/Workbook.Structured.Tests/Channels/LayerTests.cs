using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>Every kind of layer: which of its channels go, and that the answers are those with zeros in their place.</summary>
public sealed class LayerTests
{
    private static Sequential Net(params Module<Tensor, Tensor>[] layers) => Sequential(layers);

    private static readonly Func<Tensor> s_image = () => zeros(1, 1, 8, 8), s_rows = () => zeros(2, 4);

    public static TheoryData<string, Func<Module<Tensor, Tensor>>, Func<Tensor>, string> Layers => new()
    {
        { "layer norm", () => Net(Linear(4, 8), LayerNorm(8), ReLU(), Linear(8, 2)), s_rows, "0: 8 units, over which '1' normalizes anew" },
        { "layer norm of a map", () => Net(Conv2d(1, 6, 3), LayerNorm([6, 6, 6]), ReLU(), Conv2d(6, 2, 3)), s_image,
            "0: 6 units, over which '1' normalizes anew" },
        { "group norm", () => Net(Conv2d(1, 8, 3), GroupNorm(4, 8), ReLU(), Conv2d(8, 2, 3)), s_image, "0: 4 units" },
        { "group norm of one group", () => Net(Conv2d(1, 8, 3), GroupNorm(1, 8), ReLU(), Conv2d(8, 2, 3)), s_image,
            "0: 8 units, over which '1' normalizes anew" },
        { "instance norm", () => Net(Conv2d(1, 8, 3), InstanceNorm2d(8), ReLU(), Conv2d(8, 2, 3)), s_image, "0: 8 units" },
        { "instance norm with parameters", () => Net(Conv2d(1, 8, 3), InstanceNorm2d(8, affine: true), ReLU(), Conv2d(8, 2, 3)), s_image, "0: 8 units" },
        { "instance norm with statistics", () => Net(Conv2d(1, 8, 3), InstanceNorm2d(8, affine: true, track_running_stats: true), Conv2d(8, 2, 3)), s_image,
            "0: 8 units" },
        { "batch norm without parameters", () => Net(Conv2d(1, 8, 3), BatchNorm2d(8, affine: false), ReLU(), Conv2d(8, 2, 3)), s_image, "0: 8 units" },
        { "one slope", () => Net(Conv2d(1, 8, 3), PReLU(1), Conv2d(8, 2, 3)), s_image, "0: 8 units" },
        { "slopes", () => Net(Conv2d(1, 8, 3), BatchNorm2d(8), PReLU(8), Conv2d(8, 2, 3)), s_image, "0: 8 units" },
        { "transposed convolution", () => Net(Conv2d(1, 8, 3), ConvTranspose2d(8, 6, 4, stride: 2, padding: 1), ReLU(), Conv2d(6, 2, 3)), s_image,
            "0: 8 units" },
        { "transposed depthwise", () => Net(Conv2d(1, 8, 3), ConvTranspose2d(8, 8, 2, groups: 8), ReLU(), Conv2d(8, 2, 3)), s_image, "0, 1: 8 units" },
        { "transposed in one dimension", () => Net(Conv1d(1, 8, 3), ConvTranspose1d(8, 6, 3), ReLU(), Conv1d(6, 2, 3)), () => zeros(1, 1, 8), "0: 8 units" },
        { "embedding", () => Net(Embedding(9, 8), Linear(8, 6), ReLU(), Linear(6, 2)), () => arange(9, ScalarType.Int64).reshape(3, 3), "0: 8 units" },
        { "bilinear", () => new Pair(), s_rows, "left: 6 units" },
        { "own parameters", () => new Own(), s_rows, "scale, shift, a: 6 units" },
        { "float16", () => Net(Conv2d(1, 8, 3), ReLU(), Conv2d(8, 2, 3)).to(float16), () => zeros([1L, 1, 8, 8], float16), "0: 8 units" },
        { "bfloat16", () => Net(Linear(4, 8), ReLU(), Linear(8, 2)).to(bfloat16), () => zeros([2L, 4], bfloat16), "0: 8 units" },
    };

    [Theory]
    [MemberData(nameof(Layers), DisableDiscoveryEnumeration = true)]
    public void Layers_lose_channels(string what, Func<Module<Tensor, Tensor>> build, Func<Tensor> example, string first)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(7);
        Module<Tensor, Tensor> net = build();
        byte[] before = Pruned.State(net);
        Tensor input = example();
        ChannelGraph.Trace(net, input);
        Assert.Equal(before, Pruned.State(net));
        Assert.True(net.training, what);
        Assert.Equal(first, Pruned.Check(net, 0.5, input).Groups[0].ToString());
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Deep => new()
    {
        { "3x3", () => Stack(50, 3) },
        { "5x5", () => Stack(50, 5) },
        { "7x7", () => Stack(30, 7) },
        { "tanh", () => Net([.. Enumerable.Range(0, 60).SelectMany(_ => new Module<Tensor, Tensor>[] { Linear(8, 8), Tanh() }), Linear(8, 2)]) },
        { "residual", () => Net([Conv2d(1, 4, 3, padding: 1), .. Enumerable.Range(0, 27).Select(_ => new Residual()), Flatten(), Linear(256, 2)]) },
    };

    [Theory]
    [MemberData(nameof(Deep), DisableDiscoveryEnumeration = true)]
    public void Networks_of_any_depth_are_followed(string what, Func<Module<Tensor, Tensor>> build)
    {
        using DisposeScope scope = NewDisposeScope();
        ChannelGraph graph = Pruned.Check(build(), 0.5, what == "tanh" ? zeros(1, 8) : zeros(1, 1, 8, 8));
        Assert.Single(graph.Groups, g => g.WholeBecause is not null);
    }

    [Fact]
    public void Sixty_sigmoids_stay_and_say_why()
    {
        using DisposeScope scope = NewDisposeScope();
        Sequential net = Net([.. Enumerable.Range(0, 60).SelectMany(_ => new Module<Tensor, Tensor>[] { Linear(4, 4), Sigmoid() }), Linear(4, 2)]);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 4));
        Assert.Equal(60, graph.Groups.Count(g => g.WholeBecause!.StartsWith("what reaches", StringComparison.Ordinal)));
    }

    private static Sequential Stack(int depth, int kernel) => Net([Conv2d(1, 4, kernel, padding: kernel / 2), ReLU(),
        .. Enumerable.Range(0, depth).SelectMany(_ => new Module<Tensor, Tensor>[] { Conv2d(4, 4, kernel, padding: kernel / 2), ReLU() }), Flatten(),
            Linear(256, 2)]);

    private sealed class Residual : Module<Tensor, Tensor>
    {
        private readonly Conv2d a = Conv2d(4, 4, 3, padding: 1), b = Conv2d(4, 4, 3, padding: 1);

        internal Residual()
            : base(nameof(Residual)) => RegisterComponents();

        public override Tensor forward(Tensor input) => (input + b.forward(a.forward(input).relu())).relu();
    }

    private sealed class Pair : Module<Tensor, Tensor>
    {
        private readonly Linear left = Linear(4, 6), right = Linear(4, 5);
        private readonly Bilinear both = Bilinear(6, 5, 7);
        private readonly Linear last = Linear(7, 2);

        internal Pair()
            : base(nameof(Pair)) => RegisterComponents();

        public override Tensor forward(Tensor input) => last.forward(both.forward(left.forward(input).relu(), right.forward(input)).relu());
    }

    private sealed class Own : Module<Tensor, Tensor>
    {
        private readonly Linear a = Linear(4, 6), b = Linear(6, 2);
        private readonly Parameter scale = new(ones(6)), shift = new(ones(1, 6));

        internal Own()
            : base(nameof(Own)) => RegisterComponents();

        public override Tensor forward(Tensor input) => b.forward((a.forward(input) * scale) + shift);
    }
}
