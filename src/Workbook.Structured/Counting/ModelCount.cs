using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// What a model holds and costs, per layer and in all. Multiply-accumulates are counted as the literature does: those of convolutions, linear and
/// recurrent layers, without biases, norms and activations; for one example. A layer that runs several times counts for its first, one that
/// does not run, as a head for training, for nothing.
/// </summary>
/// <param name="Layers">The layers with parameters, in the model's order.</param>
public sealed record ModelCount(IReadOnlyList<LayerCount> Layers)
{
    private const int IndexBytes = 4;

    /// <summary>Parameters in all.</summary>
    public long Parameters => Layers.Sum(l => l.Parameters);

    /// <summary>Parameters that are not 0.</summary>
    public long NonZeros => Layers.Sum(l => l.NonZeros);

    /// <summary>The layers whose multiply-accumulates are in no sum, though they have some or may have: see <see cref="LayerCount.IsUncounted"/>.</summary>
    public IReadOnlyList<string> Uncounted => [.. Layers.Where(l => l.IsUncounted).Select(l => l.Name)];

    /// <summary>Multiply-accumulates for one example, without those of <see cref="Uncounted"/> layers.</summary>
    public long Macs => Layers.Sum(l => l.Macs ?? 0);

    /// <summary>Multiply-accumulates whose weight is not 0.</summary>
    public long EffectiveMacs => Layers.Sum(l => l.EffectiveMacs ?? 0);

    /// <summary>Bytes of the parameters, with all weights.</summary>
    public long DenseBytes => Layers.Sum(l => l.DenseBytes);

    /// <summary>Bytes of the parameters with sparse weights compressed.</summary>
    public long CompressedBytes => Layers.Sum(l => l.CompressedBytes);

    /// <summary>Counts a model; a pruned one by its zeros or the weights that its sparse layers keep, or after removal by its shapes. The model is not
    /// changed.</summary>
    /// <param name="model">Any TorchSharp module.</param>
    /// <param name="exampleInput">An input of the size to count for; its first dimension is the batch.</param>
    /// <exception cref="WorkbookException">The model does not take the input.</exception>
    public static ModelCount Of(nn.Module<Tensor, Tensor> model, Tensor exampleInput)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(exampleInput);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SingleThread thread = new();
        InputShapes shapes = InputShapes.Of(model, exampleInput);
        return new([.. model.named_modules().Prepend((name: "", module: model)).DistinctBy(m => m.module)
            .Where(m => m.module.named_parameters(false).Any()).Select(m => Count(m.name, m.module, shapes, exampleInput.shape[0]))]);
    }

    private static LayerCount Count(string name, nn.Module module, InputShapes shapes, long batch)
    {
        Parameter[] parameters = [.. module.named_parameters(false).Select(p => p.parameter)];
        long? positions = shapes.Positions(name, module);
        if (module is ICompressedLayer sparse)
        {
            (long weights, long nonZeros) = (sparse.Columns * sparse.Rows, CountNonZeros(sparse.Values));
            long biasBytes = sparse.Bias is { } bias ? bias.numel() * bias.ElementSize : 0;
            return new(name, module.GetType().Name, parameters.Sum(p => p.numel()), parameters.Sum(CountNonZeros), positions * weights / batch,
                positions * nonZeros / batch,
                (weights * sparse.Values.ElementSize) + biasBytes, Compressed(weights, nonZeros, sparse.Rows, sparse.Values.ElementSize) + biasBytes);
        }

        Parameter[] kernels = [.. parameters.Where(p => p.dim() > 1)];
        return new(name, module.GetType().Name, parameters.Sum(p => p.numel()), parameters.Sum(CountNonZeros),
            positions * kernels.Sum(p => p.numel()) / batch, positions * kernels.Sum(CountNonZeros) / batch,
            parameters.Sum(p => p.numel() * p.ElementSize), parameters.Sum(Compressed))
        {
            IsUncounted = positions is null && module is not (NormBase or LayerNorm or GroupNorm or PReLU or Embedding or EmbeddingBag),
        };
    }

    private static long CountNonZeros(Tensor tensor) => tensor.count_nonzero().item<long>();

    private static long Compressed(Tensor parameter) => parameter.dim() < 2 ? parameter.numel() * parameter.ElementSize
        : Compressed(parameter.numel(), CountNonZeros(parameter), parameter.shape[0], parameter.ElementSize);

    private static long Compressed(long weights, long nonZeros, long rows, long size) =>
        Math.Min(weights * size, (nonZeros * (size + IndexBytes)) + ((rows + 1) * IndexBytes));
}
