using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A small residual network (He et al. 2016): a stem, a block that adds its input to its result, and one that halves the
/// image and doubles the channels, with a 1×1 convolution on its shortcut; then the mean over the image and a classifier.
/// </summary>
public sealed class ResidualNet : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d stem;
    private readonly BatchNorm2d norm;
    private readonly Block block1, block2;
    private readonly Linear fc;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="width">Channels of the stem and the first block; the second has twice as many.</param>
    /// <param name="initializer">By default <see cref="Initializer.HeNormal"/>.</param>
    public ResidualNet(int seed, int width = 16, Initializer? initializer = null)
        : base(nameof(ResidualNet))
    {
        stem = nn.Conv2d(1, width, 3, padding: 1, bias: false);
        norm = nn.BatchNorm2d(width);
        block1 = new Block(width, width, 1);
        block2 = new Block(width, 2 * width, 2);
        fc = nn.Linear(2 * width, 10);
        RegisterComponents();
        (initializer ?? Initializer.HeNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, 1, 28, 28].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Pooling.Halve(norm.call(stem.call(input)).relu()); // [batch, width, 14, 14]
        x = block2.call(block1.call(x)); // [batch, 2·width, 7, 7]
        return fc.call(x.mean([2, 3])).MoveToOuterDisposeScope();
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d conv1, conv2;
        private readonly BatchNorm2d bn1, bn2;
        private readonly Conv2d? shortcut;
        private readonly BatchNorm2d? bn3;

        internal Block(int from, int to, int stride)
            : base(nameof(Block))
        {
            conv1 = nn.Conv2d(from, to, 3, stride: stride, padding: 1, bias: false);
            bn1 = nn.BatchNorm2d(to);
            conv2 = nn.Conv2d(to, to, 3, padding: 1, bias: false);
            bn2 = nn.BatchNorm2d(to);
            if (stride != 1 || from != to)
            {
                shortcut = nn.Conv2d(from, to, 1, stride: stride, bias: false);
                bn3 = nn.BatchNorm2d(to);
            }

            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = bn2.call(conv2.call(bn1.call(conv1.call(input)).relu()));
            Tensor skipped = shortcut is null ? input : bn3!.call(shortcut.call(input));
            return x.Plus(skipped).relu().MoveToOuterDisposeScope();
        }
    }
}
