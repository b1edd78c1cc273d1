using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Three convolutions of 3×3, each with batch norm, ReLU and 2×2 max pooling, then a hidden layer and a classifier over the
/// 3×3 that are left of the image: a small network with channels to prune.
/// </summary>
public sealed class ConvNet : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> conv1, conv2, conv3, bn1, bn2, bn3, pool, flatten, fc1, fc2;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="first">Channels of the first convolution.</param>
    /// <param name="second">Channels of the second.</param>
    /// <param name="third">Channels of the third.</param>
    /// <param name="hidden">Units of the hidden layer.</param>
    /// <param name="initializer">By default <see cref="Initializer.HeNormal"/>.</param>
    public ConvNet(int seed, int first = 16, int second = 32, int third = 32, int hidden = 128, Initializer? initializer = null)
        : base(nameof(ConvNet))
    {
        (conv1, bn1) = (Conv(1, first), nn.BatchNorm2d(first));
        (conv2, bn2) = (Conv(first, second), nn.BatchNorm2d(second));
        (conv3, bn3) = (Conv(second, third), nn.BatchNorm2d(third));
        (pool, flatten) = (nn.MaxPool2d(2), nn.Flatten());
        (fc1, fc2) = (nn.Linear(third * 3 * 3, hidden), nn.Linear(hidden, 10));
        RegisterComponents();
        (initializer ?? Initializer.HeNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, 1, 28, 28].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Pooling.Halve(bn1.call(conv1.call(input)).relu(), pool); // [batch, first, 14, 14]
        x = Pooling.Halve(bn2.call(conv2.call(x)).relu(), pool); // [batch, second, 7, 7]
        x = Pooling.Halve(bn3.call(conv3.call(x)).relu(), pool); // [batch, third, 3, 3]
        return fc2.call(fc1.call(flatten.call(x)).relu()).MoveToOuterDisposeScope();
    }

    private static Conv2d Conv(long from, long to) => nn.Conv2d(from, to, 3, padding: 1, bias: false);
}
