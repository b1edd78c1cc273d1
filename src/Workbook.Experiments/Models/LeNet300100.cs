using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Two hidden layers of 300 and 100 ReLU units over 28×28 pixels (LeCun et al. 1998): 266,200 weights and 410 biases,
/// the fully connected network of the pruning literature.
/// </summary>
public sealed class LeNet300100 : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> fc1;
    private readonly nn.Module<Tensor, Tensor> fc2;
    private readonly nn.Module<Tensor, Tensor> fc3;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    /// <param name="first">Units of the first hidden layer; fewer make the small dense network of the same kind.</param>
    /// <param name="second">Units of the second.</param>
    public LeNet300100(int seed, Initializer? initializer = null, int first = 300, int second = 100)
        : base(nameof(LeNet300100))
    {
        fc1 = nn.Linear(784, first);
        fc2 = nn.Linear(first, second);
        fc3 = nn.Linear(second, 10);
        RegisterComponents();
        (initializer ?? Initializer.GlorotNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, 1, 28, 28] or [batch, 784].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = fc1.call(input.flatten(1)).relu_();
        x = fc2.call(x).relu_();
        return fc3.call(x).MoveToOuterDisposeScope();
    }
}
