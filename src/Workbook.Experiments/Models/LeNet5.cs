using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Two convolutions of 5×5, each with ReLU and 2×2 max pooling, then fully connected layers. Two networks of the
/// literature bear the name; say which one.
/// </summary>
public sealed class LeNet5 : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly Conv2d conv2;
    private readonly nn.Module<Tensor, Tensor> fc1;
    private readonly nn.Module<Tensor, Tensor> fc2;
    private readonly nn.Module<Tensor, Tensor>? fc3;

    private LeNet5(int seed, Initializer? initializer, int conv1, int conv2, int fc1, int? fc2)
        : base(nameof(LeNet5))
    {
        this.conv1 = nn.Conv2d(1, conv1, 5);
        this.conv2 = nn.Conv2d(conv1, conv2, 5);
        this.fc1 = nn.Linear(conv2 * 4 * 4, fc1);
        this.fc2 = nn.Linear(fc1, fc2 ?? 10);
        fc3 = fc2 is { } width ? nn.Linear(width, 10) : null;
        RegisterComponents();
        (initializer ?? Initializer.GlorotNormal).Apply(this, seed);
    }

    /// <summary>20-50-500: the network of Han et al. (2015) and SNIP; 430,500 weights and 580 biases.</summary>
    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    public static LeNet5 Wide(int seed, Initializer? initializer = null) => new(seed, initializer, 20, 50, 500, null);

    /// <summary>6-16-120-84: the network of LeCun et al. (1998) as Evci et al. (2022) build it; 44,190 weights and 236 biases.</summary>
    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    /// <param name="conv1">Channels of the first convolution; fewer of all four give a small dense network to compare a sparse one with.</param>
    /// <param name="conv2">Channels of the second convolution.</param>
    /// <param name="fc1">Units of the first linear layer.</param>
    /// <param name="fc2">Units of the second linear layer.</param>
    public static LeNet5 Classic(int seed, Initializer? initializer = null, int conv1 = 6, int conv2 = 16, int fc1 = 120, int fc2 = 84) =>
        new(seed, initializer, conv1, conv2, fc1, fc2);

    /// <param name="input">[batch, 1, 28, 28].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Pooling.Halve(conv1.call(input).relu_()); // [batch, conv1, 12, 12]
        x = Pooling.Halve(conv2.call(x).relu_()); // [batch, conv2, 4, 4]
        x = fc2.call(fc1.call(x.flatten(1)).relu_());
        return (fc3 is null ? x : fc3.call(x.relu_())).MoveToOuterDisposeScope();
    }
}
