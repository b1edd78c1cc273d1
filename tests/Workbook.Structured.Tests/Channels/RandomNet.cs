using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>What a block does with the channels it gets.</summary>
internal enum Block
{
    Convolution,
    ConvolutionNorm,
    NormFirst,
    Residual,
    TwoPaths,
    Concatenation,
    DenselySummed,
    Depthwise,
    Grouped,
    Pool,
    Gate,
    GroupNorm,
    NormOverAll,
    InstanceNorm,
    Slopes,
    Transposed,
    Chunk,
    Positions,
    Attention,
}

/// <summary>A random network out of the blocks of the literature: images of 2 channels and 8×8 pixels → 3 logits.</summary>
internal sealed class RandomNet : Module<Tensor, Tensor>
{
    private readonly Block[] blocks;
    private readonly ModuleList<Module<Tensor, Tensor>> layers = ModuleList<Module<Tensor, Tensor>>();
    private readonly ModuleList<Module<Tensor, Tensor>> head = ModuleList<Module<Tensor, Tensor>>();
    private readonly ModuleList<Module<Tensor, Tensor>> table = ModuleList<Module<Tensor, Tensor>>();
    private readonly bool flat;
    private int next, position;

    internal RandomNet(Block[] blocks, int width, bool flat, bool hidden, int seed)
        : base(nameof(RandomNet))
    {
        (this.blocks, this.flat) = (blocks, flat);
        int channels = 4 * width, side = 8;
        Add(Conv2d(2, channels, 3, padding: 1));
        foreach (Block block in blocks)
        {
            switch (block)
            {
                case Block.Convolution:
                    Add(Conv2d(channels, channels = channels == 8 ? 12 : 8, 3, padding: 1));
                    break;
                case Block.ConvolutionNorm:
                    Add(Conv2d(channels, channels = channels == 8 ? 4 : 8, 1, bias: false), BatchNorm2d(channels));
                    break;
                case Block.NormFirst:
                    Add(BatchNorm2d(channels), Conv2d(channels, channels, 3, padding: 1, bias: false));
                    break;
                case Block.Residual:
                    Add(Conv2d(channels, 6, 3, padding: 1), BatchNorm2d(6), Conv2d(6, channels, 1, bias: false), BatchNorm2d(channels));
                    break;
                case Block.TwoPaths:
                    Add(Conv2d(channels, 8, 1, bias: false), BatchNorm2d(8), Conv2d(channels, 8, 3, padding: 1));
                    channels = 8;
                    break;
                case Block.Concatenation:
                    Add(Conv2d(channels, 5, 1), Conv2d(channels, 3, 3, padding: 1, bias: false), BatchNorm2d(3));
                    channels = 8;
                    break;
                case Block.DenselySummed:
                    Add(Conv2d(channels, 3, 1), Conv2d(channels, 5, 1), Conv2d(channels, 8, 1));
                    channels = 8;
                    break;
                case Block.Depthwise:
                    Add(Conv2d(channels, channels * 2, 3, padding: 1, groups: channels, bias: false), BatchNorm2d(channels * 2));
                    channels *= 2;
                    break;
                case Block.Grouped:
                    Add(Conv2d(channels, 8, 3, padding: 1, groups: 4));
                    channels = 8;
                    break;
                case Block.Pool:
                    side = Math.Max(side / 2, 1);
                    break;
                case Block.GroupNorm or Block.NormOverAll:
                    Add(Conv2d(channels, channels = 8, 1), GroupNorm(block == Block.GroupNorm ? 4 : 1, 8));
                    break;
                case Block.InstanceNorm:
                    Add(Conv2d(channels, channels = 8, 1), InstanceNorm2d(8, affine: flat));
                    break;
                case Block.Slopes:
                    Add(Conv2d(channels, channels, 3, padding: 1), PReLU(channels));
                    break;
                case Block.Transposed:
                    Add(ConvTranspose2d(channels, channels = 8, 3, padding: 1));
                    break;
                case Block.Chunk:
                    Add(Conv2d(channels, channels = 8, 1), Conv2d(4, 4, 1));
                    break;
                case Block.Positions:
                    table.Add(Embedding(64, channels));
                    break;
                case Block.Attention:
                    Add(Linear(channels, 8), Linear(channels, 8), Linear(channels, 8), Linear(8, channels));
                    break;
                default:
                    Add(Conv2d(channels, channels, 1));
                    break;
            }
        }

        int features = flat ? channels * side * side : channels;
        foreach (int outputs in hidden ? new[] { 7, 3 } : [3])
        {
            head.Add(Linear(features, outputs));
            features = outputs;
        }

        RegisterComponents();
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor tensor) in state_dict().Where(s => s.Value.dtype == ScalarType.Float32))
        {
            using Generator generator = RandomStream.Of(seed, name);
            tensor.copy_(name.EndsWith("running_var", StringComparison.Ordinal) ? rand(tensor.shape, generator: generator).add(0.5)
                : randn(tensor.shape, generator: generator).mul(0.5));
        }

        eval();
    }

    internal static Gen<RandomNet> Any { get; } = Gen.Select(Gen.Int[0, (int)Block.Attention].Array[0, 5], Gen.Int[1, 2], Gen.Bool, Gen.Bool, Small.Seed)
        .Select((blocks, width, flat, hidden, seed) => new RandomNet([.. blocks.Select(b => (Block)b)], width, flat, hidden, seed));

    public override string ToString() => $"{string.Join(", ", blocks)}; flat {flat}";

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        next = position = 0;
        Tensor x = Step(input).relu_();
        foreach (Block block in blocks)
        {
            x = block switch
            {
                Block.Convolution or Block.Grouped => Step(x).relu(),
                Block.ConvolutionNorm or Block.Depthwise => Step(Step(x)).clamp(0, 6),
                Block.NormFirst => x + Step(Step(x).relu()),
                Block.Residual => (x + Step(Step(Step(Step(x)).relu()))).relu(),
                Block.TwoPaths => (Step(Step(x)) + Step(x)).relu_(),
                Block.Concatenation => cat([Step(x), Step(Step(x))], 1).relu(),
                Block.DenselySummed => (cat([Step(x), Step(x)], 1) + Step(x)).relu(),
                Block.GroupNorm or Block.NormOverAll => Step(Step(x)).relu(),
                // A map of one pixel has no variance.
                Block.InstanceNorm => Step(x) is var y && y.shape[2] > 1 ? Step(y).relu() : y[Skip()].relu(),
                Block.Slopes => Step(Step(x)),
                Block.Transposed => Step(x).relu(),
                Block.Chunk => Step(x).relu().chunk(2, 1) is var halves ? cat([Step(halves[1]).relu(), halves[0]], 1) : x,
                Block.Positions => x + table[position++].forward(arange(x.shape[2] * x.shape[3])).t().view(1, -1, x.shape[2], x.shape[3]),
                Block.Attention => x + Attended(x),
                Block.Gate => x * functional.adaptive_avg_pool2d(Step(x), 1).sigmoid(),
                _ => x.shape[2] > 1 ? functional.max_pool2d(x, 2) : x,
            };
        }

        x = flat ? x.flatten(1) : x.mean([2, 3]);
        x = head[0].forward(x);
        return (head.Count == 1 ? x : functional.log_softmax(head[1].forward(x.tanh()), 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Two heads over the pixels.</summary>
    private Tensor Attended(Tensor x)
    {
        Tensor pixels = x.flatten(2).transpose(1, 2);
        Tensor Heads() => Step(pixels) is var y ? y.view(y.shape[0], y.shape[1], 2, -1).transpose(1, 2) : pixels;
        Tensor weights = Heads().matmul(Heads().transpose(-2, -1)).div(2).softmax(-1);
        return Step(weights.matmul(Heads()).transpose(1, 2).flatten(2)).transpose(1, 2).view(x.shape[0], -1, x.shape[2], x.shape[3]);
    }

    private TensorIndex Skip()
    {
        next++;
        return TensorIndex.Ellipsis;
    }

    private Tensor Step(Tensor input) => layers[next++].forward(input);

    private void Add(params Module<Tensor, Tensor>[] modules)
    {
        foreach (Module<Tensor, Tensor> module in modules)
        {
            layers.Add(module);
        }
    }
}
