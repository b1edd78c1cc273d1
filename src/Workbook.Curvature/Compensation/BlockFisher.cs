using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The empirical Fisher information of each layer as a whole, or in blocks, F = 1/N·Σ g·gᵀ + λI, in the form [N, d] of its gradients: a full matrix of
/// LeNet-300-100's first layer would take 440 GB (WoodFisher, Singh and Alistarh 2020; optimal brain surgeon, Hassibi and Stork 1993). For its diagonal see
/// <see cref="Fisher.OfWeights"/>. As a compensation the kept weights of a block make up for all that go at once, exactly for F; the paper adds up what each
/// of them would ask for alone.
/// </summary>
public sealed class BlockFisher : Compensation, IDisposable
{
    private readonly Dictionary<string, Tensor> _gradients;
    private readonly double _damping;
    private readonly long _blockSize;

    private BlockFisher(Dictionary<string, Tensor> gradients, double damping, long blockSize) =>
        (_gradients, _damping, _blockSize) = (gradients, damping, blockSize);

    /// <summary>Takes the gradients example by example, in evaluation mode, at the examples' labels; the model stays as it is.</summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="data">A pass forward and backward each.</param>
    /// <param name="damping">λ; 1e-5 in the paper.</param>
    /// <param name="blockSize">Weights of a block at most; whole layers where left out.</param>
    /// <param name="mostBytes">What the gradients may take.</param>
    /// <exception cref="WorkbookException">There are no examples, a label is no class, the damping is not above 0 (F is singular then), a block has no weights,
    /// the gradients would take too much or are not numbers.</exception>
    public static BlockFisher Of(nn.Module<Tensor, Tensor> model, LabelledTensors data, double damping = 1e-5, long blockSize = long.MaxValue,
        long mostBytes = 4L << 30)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        (string Name, Parameter Weight)[] weights = [.. Prunable.Weights(model)];
        Check(weights.Sum(w => 4.0 * w.Weight.numel() * data.Count), data, damping, blockSize, mostBytes);
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: false);
        Dictionary<string, Tensor> gradients = weights.ToDictionary(w => w.Name, w => zeros([data.Count, w.Weight.numel()], ScalarType.Float32));
        for (long i = 0; i < data.Count; i++)
        {
            using DisposeScope one = NewDisposeScope();
            Trainer.Backward(model, data.Inputs.narrow(0, i, 1).clone(), data.Labels.narrow(0, i, 1));
            foreach ((string name, Parameter weight) in weights)
            {
                if (weight.grad is { } gradient)
                {
                    gradients[name][i].copy_(gradient.flatten());
                }
            }
        }

        return gradients.FirstOrDefault(g => !g.Value.isfinite().all().item<bool>()).Key is { } bad
            ? throw new WorkbookException($"the gradients of '{bad}' hold NaN or infinity: the model has diverged, or the data do")
            : new(gradients.ToDictionary(g => g.Key, g => g.Value.DetachFromDisposeScope()), damping, blockSize);
    }

    /// <summary>½·w²/[F⁻¹]_qq: what the loss grows by where the weight goes and the others of its block make up for it (WoodFisher, eq. 12).</summary>
    public Saliency Saliency => new FisherSaliency(this);

    /// <summary>The diagonal of F⁻¹ of one parameter, float64, of its shape.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="weight">It.</param>
    public Tensor InverseDiagonal(string name, Parameter weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return cat([.. Blocks(name, weight).Select(block =>
        {
            // Woodbury: F⁻¹ = (I − Gᵀ(NλI + GGᵀ)⁻¹G)/λ.
            Tensor half = linalg.solve_triangular(Factor(block.Gradients, name), block.Gradients, upper: false);
            return half.Squared().sum(0L).neg().Plus(1).Over(_damping);
        })]).reshape(weight.shape).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the gradients.</summary>
    public void Dispose()
    {
        foreach (Tensor gradients in _gradients.Values)
        {
            gradients.Dispose();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"Fisher information of {ContentHash.Of(_gradients)} in blocks, damping {_damping}");

    /// <inheritdoc/>
    protected override Tensor Moved(string name, Parameter weight, Tensor kept)
    {
        Tensor flat = weight.detach().to(ScalarType.Float64).flatten(), left = kept.flatten().to(ScalarType.Float64);
        return cat([.. Blocks(name, weight).Select(block =>
        {
            // The minimum over the kept is F_KK⁻¹F_K:w; pushed through: w_K + G_Kᵀ(NλI + G_K G_Kᵀ)⁻¹G_Q w_Q.
            Tensor w = flat.narrow(0, block.Start, block.Count), k = left.narrow(0, block.Start, block.Count);
            Tensor own = block.Gradients.mul(k), gone = block.Gradients.matmul(w.mul(k.neg().Plus(1)).unsqueeze(1));
            return own.transpose(0, 1).matmul(gone.cholesky_solve(Factor(own, name))).squeeze(1).Plus(w);
        })]);
    }

    private IEnumerable<(long Start, long Count, Tensor Gradients)> Blocks(string name, Parameter weight)
    {
        Tensor gradients = !_gradients.TryGetValue(name, out Tensor? known)
            ? throw new WorkbookException($"there are no gradients of '{name}'; there are of {string.Join(", ", _gradients.Keys)}")
            : known.shape[1] == weight.numel() ? known
            : throw new WorkbookException($"'{name}' has {weight.numel()} weights, its gradients were taken of {known.shape[1]}: take them anew");
        for (long start = 0; start < weight.numel(); start += Math.Min(_blockSize, weight.numel()))
        {
            long count = Math.Min(_blockSize, weight.numel() - start);
            yield return (start, count, gradients.narrow(1, start, count).to(ScalarType.Float64));
        }
    }

    private Tensor Factor(Tensor gradients, string name) => Positive.Factor(
        gradients.matmul(gradients.transpose(0, 1)).Damped(gradients.shape[0] * _damping),
        () => FormattableString.Invariant($"the Fisher information of '{name}' is singular with a damping of {_damping}: take a larger one"));

    private static void Check(double bytes, LabelledTensors data, double damping, long blockSize, long mostBytes)
    {
        if (data.Count == 0)
        {
            throw new WorkbookException("there are no examples to take gradients on");
        }

        if (!(damping > 0 && double.IsFinite(damping)) || blockSize < 1)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"the Fisher information of {data.Count} examples is singular: it needs a damping above 0 (not {damping}) and blocks of 1 or more weights ")
                + $"(not {blockSize})");
        }

        if (bytes > mostBytes)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"the gradients of {data.Count} examples take {bytes / (1 << 30):F1} GB: take fewer examples, or allow more with mostBytes"));
        }
    }

    private sealed class FisherSaliency(BlockFisher fisher) : Saliency
    {
        public override Tensor Score(string name, Parameter weight)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            return weight.detach().to(ScalarType.Float64).Squared().div(fisher.InverseDiagonal(name, weight)).Times(0.5).MoveToOuterDisposeScope();
        }

        public override string ToString() => fisher.ToString();
    }
}
