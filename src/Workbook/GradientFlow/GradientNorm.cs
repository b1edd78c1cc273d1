using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// How large the gradient of the mean cross-entropy is over what is left of a network (Evci et al. 2022): Euclidean
/// norms, without a weight-decay term and without the entries of pruned weights.
/// </summary>
/// <param name="All">Over all parameters, biases included.</param>
/// <param name="Layers">Layer (<c>fc1</c>) → over its own parameters, in the model's order.</param>
public sealed record GradientNorm(double All, IReadOnlyDictionary<string, double> Layers)
{
    /// <summary>
    /// Measures it in training mode, with the weights that the model has. The model's own gradients, its mode and its batch-norm statistics stay as they are.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="batch">The examples, all at once; the same ones for all norms that are compared.</param>
    /// <param name="mask">What is left, applied to the model already; null for everything.</param>
    /// <exception cref="WorkbookException">The mask does not fit the model, or there is no example.</exception>
    public static GradientNorm Of(nn.Module<Tensor, Tensor> model, LabelledTensors batch, Mask? mask = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: true);
        using IDisposable withGrad = enable_grad();
        FreeParameters free = new(model, mask);
        Tensor[] gradients = free.Gradients(FreeParameters.Loss(model, batch));
        using IDisposable noGrad = no_grad();
        Dictionary<string, double> squares = [];
        foreach ((string name, Tensor gradient) in free.Names.Zip(gradients))
        {
            string layer = name.LastIndexOf('.') is >= 0 and var dot ? name[..dot] : name;
            squares[layer] = squares.GetValueOrDefault(layer) + gradient.to(ScalarType.Float64).Squared().sum().item<double>();
        }

        return new(Math.Sqrt(squares.Values.Sum()), squares.ToDictionary(s => s.Key, s => Math.Sqrt(s.Value)));
    }
}
