using TorchSharp;
using Workbook.Initialization;
using static TorchSharp.torch;

namespace Workbook.Models;

/// <summary>
/// Two hidden layers of 300 and 100 ReLU units over 28×28 pixels (LeCun et al. 1998): 266,200 weights and 410 biases,
/// the fully connected network of the pruning literature.
/// </summary>
public sealed class LeNet300100 : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> fc1 = nn.Linear(784, 300);
    private readonly nn.Module<Tensor, Tensor> fc2 = nn.Linear(300, 100);
    private readonly nn.Module<Tensor, Tensor> fc3 = nn.Linear(100, 10);

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    public LeNet300100(int seed, Initializer? initializer = null)
        : base(nameof(LeNet300100))
    {
        RegisterComponents();
        (initializer ?? Initializer.GlorotNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, 1, 28, 28] or [batch, 784].</param>
    /// <returns>Logits [batch, 10].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = fc1.forward(input.flatten(1)).relu_();
        x = fc2.forward(x).relu_();
        return fc3.forward(x).MoveToOuterDisposeScope();
    }
}
