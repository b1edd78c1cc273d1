using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>The residual networks for CIFAR of He et al. (2016), of 6n + 2 layers: 20 to 110.</summary>
internal sealed class CifarResNet : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential blocks;
    private readonly Linear fc;

    internal CifarResNet(int depth, int width = 16)
        : base(nameof(CifarResNet))
    {
        (conv1, bn1, fc) = (Conv2d(3, width, 3, padding: 1, bias: false), BatchNorm2d(width), Linear(4 * width, 10));
        int each = (depth - 2) / 6;
        blocks = Sequential(Enumerable.Range(0, 3 * each).Select(b => (Module<Tensor, Tensor>)new BasicBlock(
            width << (Math.Max(b - 1, 0) / each), width << (b / each), b > 0 && b % each == 0 ? 2 : 1)).ToArray());
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return fc.forward(blocks.forward(bn1.forward(conv1.forward(input)).relu()).mean([2, 3])).MoveToOuterDisposeScope();
    }
}

/// <summary>DenseNet for CIFAR without bottlenecks (Huang et al. 2017): three blocks whose layers read all that came before.</summary>
internal sealed class DenseNet : Module<Tensor, Tensor>
{
    private readonly Conv2d stem;
    private readonly ModuleList<Module<Tensor, Tensor>> layers = ModuleList<Module<Tensor, Tensor>>();
    private readonly Sequential head;
    private readonly int each;

    internal DenseNet(int depth, int growth = 12)
        : base(nameof(DenseNet))
    {
        int channels = 2 * growth;
        (stem, each) = (Conv2d(3, channels, 3, padding: 1, bias: false), (depth - 4) / 3);
        for (int layer = 0; layer < (3 * each) + 2; layer++)
        {
            bool joins = IsJoint(layer);
            layers.Add(Sequential([BatchNorm2d(channels), ReLU(), Conv2d(channels, joins ? channels : growth, joins ? 1 : 3,
                padding: joins ? 0 : 1, bias: false), .. joins ? [AvgPool2d(2)] : Array.Empty<Module<Tensor, Tensor>>()]));
            channels += joins ? 0 : growth;
        }

        head = Sequential(BatchNorm2d(channels), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(channels, 10));
        RegisterComponents();
    }

    private bool IsJoint(int layer) => layer % (each + 1) == each;

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = stem.forward(input);
        for (int layer = 0; layer < layers.Count; layer++)
        {
            x = IsJoint(layer) ? layers[layer].forward(x) : cat([x, layers[layer].forward(x)], 1);
        }

        return head.forward(x).MoveToOuterDisposeScope();
    }
}

/// <summary>Wide residual network (Zagoruyko and Komodakis 2016) of 6n + 4 layers: norms and activations before the convolutions.</summary>
internal sealed class WideResNet : Module<Tensor, Tensor>
{
    private readonly Conv2d stem;
    private readonly Sequential blocks, head;

    internal WideResNet(int depth, int width, int channels = 16)
        : base(nameof(WideResNet))
    {
        int each = (depth - 4) / 6;
        stem = Conv2d(3, channels, 3, padding: 1, bias: false);
        blocks = Sequential(Enumerable.Range(0, 3 * each).Select(b => (Module<Tensor, Tensor>)new Block(
            b == 0 ? channels : (channels * width) << ((b - 1) / each), (channels * width) << (b / each), b > 0 && b % each == 0 ? 2 : 1)).ToArray());
        head = Sequential(BatchNorm2d(4 * channels * width), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(4 * channels * width, 10));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return head.forward(blocks.forward(stem.forward(input))).MoveToOuterDisposeScope();
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly BatchNorm2d bn1, bn2;
        private readonly Conv2d conv1, conv2;
        private readonly Conv2d? shortcut;

        internal Block(int from, int to, int stride)
            : base(nameof(Block))
        {
            (bn1, conv1) = (BatchNorm2d(from), Conv2d(from, to, 3, stride: stride, padding: 1, bias: false));
            (bn2, conv2) = (BatchNorm2d(to), Conv2d(to, to, 3, padding: 1, bias: false));
            shortcut = from == to ? null : Conv2d(from, to, 1, stride: stride, bias: false);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = bn1.forward(input).relu();
            return (conv2.forward(bn2.forward(conv1.forward(x)).relu()) + (shortcut?.forward(x) ?? input)).MoveToOuterDisposeScope();
        }
    }
}
