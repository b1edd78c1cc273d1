using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A linear layer, y = x·Wᵀ + b, that keeps and multiplies the weights its mask leaves, and no others: compressed
/// sparse rows, forward and backward in C#. Any optimizer trains it, over the kept weights alone; what is pruned is
/// 0 because it does not exist. On the CPU, in float32.
/// </summary>
/// <remarks>
/// Outputs are [.., out] over memory in which the batch runs fastest (strides (1, batch)):
/// element-wise operations keep that, and the next sparse layer need not rearrange anything. Gradients of gradients
/// (<c>create_graph</c>) are exact, at a dense layer's speed. A change in place of an input or of the weights between
/// forward and backward, which torch's own layers refuse, shows as NaN in the gradients.
/// </remarks>
public sealed class SparseLinear : SparseLayer
{
    /// <param name="linear">The layer whose weights and biases are copied; it stays as it is.</param>
    /// <param name="kept">[out, in], 1 (or true) where a weight is kept: <c>mask["fc1.weight"]</c>. A kept weight of 0 counts as kept.</param>
    /// <param name="threads">Managed threads that a large product may take, 1 or more.</param>
    /// <exception cref="WorkbookException">
    /// The mask has another shape or holds something other than 0 and 1, the layer is not float32 on the CPU, or <paramref name="threads"/> is below 1.
    /// </exception>
    public SparseLinear(Linear linear, Tensor kept, int threads = 1)
        : base(nameof(SparseLinear), (linear ?? throw new ArgumentNullException(nameof(linear))).weight, linear.bias, kept, threads)
    {
        (OutFeatures, InFeatures) = ((int)linear.weight.shape[0], (int)linear.weight.shape[1]);
        RegisterComponents();
    }

    /// <summary>Features that go in.</summary>
    public int InFeatures { get; }

    /// <summary>Features that come out.</summary>
    public int OutFeatures { get; }

    private protected override long[] WeightShape => [OutFeatures, InFeatures];

    /// <param name="input">[.., in], float32 on the CPU, of any strides.</param>
    /// <returns>[.., out].</returns>
    /// <exception cref="WorkbookException">The input has another number of features, dtype or device.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Csr pattern = Pattern;
        Check(input, pattern);
        OnRows?.Invoke(input.numel() / Math.Max(1, pattern.Columns));
        if (input.dim() == 2)
        {
            return Apply(input, pattern);
        }

        using DisposeScope scope = NewDisposeScope();
        return Apply(input.reshape(-1, pattern.Columns), pattern).reshape([.. input.shape[..^1], pattern.Rows]).MoveToOuterDisposeScope();
    }

    /// <summary>The dense layer with these weights, and zeros where they were pruned.</summary>
    public Linear ToLinear()
    {
        (Parameter weight, Parameter? ofLayer) = Dense();
        return nn.Linear(weight, ofLayer);
    }

    internal override nn.Module<Tensor, Tensor> ToDense() => ToLinear();

    private Tensor Apply(Tensor input, Csr pattern)
    {
        if (NeedsGraph(input))
        {
            return SparseFunction.apply(input, Values, Bias!, new SparseCall(pattern, Threads, input.requires_grad, Bias is not null));
        }

        using Tensor memory = FeatureMajor.Of(input);
        return SparseFunction.Product(pattern, memory, Values, Bias, Threads, Kernels.Widest);
    }

    private void Check(Tensor input, Csr pattern)
    {
        if (input.dim() == 0 || input.size(-1) != pattern.Columns)
        {
            throw new WorkbookException($"the sparse layer takes [.., {pattern.Columns}], and the input is [{string.Join(", ", input.shape)}]");
        }

        CheckType(input);
        if (input.numel() / Math.Max(1, pattern.Columns) * Math.Max(pattern.Rows, pattern.Columns) > int.MaxValue / sizeof(float))
        {
            throw TooLarge(input);
        }
    }
}
