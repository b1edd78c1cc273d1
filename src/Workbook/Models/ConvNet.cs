using TorchSharp;
using TorchSharp.Modules;
using Workbook.Initialization;
using static TorchSharp.torch;

namespace Workbook.Models;

/// <summary>
/// Three convolutions of 3×3 with batch norm and ReLU, max pooling after the first two, the mean over what is left of the
/// image, and a classifier: a small network with channels to prune.
/// </summary>
public sealed class ConvNet : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly Linear fc;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="first">Channels of the first convolution.</param>
    /// <param name="second">Channels of the second.</param>
    /// <param name="third">Channels of the third.</param>
    /// <param name="initializer">By default <see cref="Initializer.HeNormal"/>.</param>
    public ConvNet(int seed, int first = 16, int second = 32, int third = 32, Initializer? initializer = null)
        : base(nameof(ConvNet))
    {
        (conv1, bn1) = (Conv(1, first), nn.BatchNorm2d(first));
        (conv2, bn2) = (Conv(first, second), nn.BatchNorm2d(second));
        (conv3, bn3) = (Conv(second, third), nn.BatchNorm2d(third));
        fc = nn.Linear(third, 10);
        RegisterComponents();
        (initializer ?? Initializer.HeNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, 1, 28, 28].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = nn.functional.max_pool2d(bn1.forward(conv1.forward(input)).relu(), 2); // [batch, first, 14, 14]
        x = nn.functional.max_pool2d(bn2.forward(conv2.forward(x)).relu(), 2); // [batch, second, 7, 7]
        x = bn3.forward(conv3.forward(x)).relu();
        return fc.forward(x.mean([2, 3])).MoveToOuterDisposeScope();
    }

    private static Conv2d Conv(long from, long to) => nn.Conv2d(from, to, 3, padding: 1, bias: false);
}
