using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Pruning;

/// <summary>A pruning method: saliency × granularity × scope. The schedule calls it once a round.</summary>
/// <param name="Saliency">What a weight is worth.</param>
public sealed record Pruner(Saliency Saliency)
{
    /// <summary>What goes as one piece; by default every weight by itself.</summary>
    public Granularity Granularity { get; init; } = Granularity.Weight;

    /// <summary>Among which weights the ranking runs; by default each layer by itself.</summary>
    public Scope Scope { get; init; } = Scope.PerLayer();

    /// <summary>
    /// Chooses what is left at a sparsity. Exactly round(sparsity · pieces) pieces go (half to even, as PyTorch rounds);
    /// of equal scores the first in the parameter goes first. The model is not changed: <see cref="Mask.Apply"/> does that.
    /// </summary>
    /// <param name="model">The model whose weights are ranked.</param>
    /// <param name="sparsity">The fraction pruned in all, 0 to 1, counted over the layers in scope.</param>
    /// <param name="previous">What is pruned already, and stays pruned.</param>
    /// <exception cref="WorkbookException">
    /// A sparsity outside 0 to 1 or below what is pruned already, a layer that is not there, a score that is not a number.
    /// </exception>
    public Mask Prune(nn.Module model, double sparsity, Mask? previous = null)
    {
        CheckSparsity(sparsity);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        IReadOnlyList<(string Name, Parameter Weight)> weights = Prunable.Weights(model, Scope.Except);
        return new Mask(weights.GroupBy(w => Scope.IsGlobal ? "" : w.Name).SelectMany(group => Rank([.. group], sparsity, previous)));
    }

    internal static void CheckSparsity(double sparsity)
    {
        if (!(sparsity is >= 0 and <= 1))
        {
            throw new WorkbookException($"a sparsity is a fraction from 0 to 1, not {sparsity}");
        }
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Rank(IReadOnlyList<(string Name, Parameter Weight)> group, double sparsity, Mask? previous)
    {
        Tensor[] pieces = [.. group.Select(w => Granularity.Pieces(Score(w.Name, w.Weight, previous)))];
        Tensor all = cat(pieces);
        long total = all.numel(), gone = all.eq(double.NegativeInfinity).sum().item<long>();
        long goes = (long)Math.Round(sparsity * total, MidpointRounding.ToEven);
        if (goes < gone)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"{string.Join(", ", group.Select(w => w.Name))}: {(double)gone / total:P2} is pruned already, more than the {sparsity:P2} asked for; pruned weights do not come back"));
        }

        // A stable sort, not topk: of equal scores the same ones go on every machine.
        Tensor kept = ones(total, ScalarType.Bool);
        kept[all.sort(0, descending: false, stable: true).Indices[TensorIndex.Slice(0, goes)]] = false;
        return group.Zip(kept.split([.. pieces.Select(p => p.numel())]),
            (w, k) => KeyValuePair.Create(w.Name, Granularity.Weights(k, w.Weight.shape)));
    }

    /// <summary>The saliency, with what is pruned already below everything else.</summary>
    private Tensor Score(string name, Parameter weight, Mask? previous)
    {
        Tensor score = Saliency.Score(name, weight).detach().cpu();
        if (score.isnan().any().item<bool>())
        {
            throw new WorkbookException($"the saliency of '{name}' is not a number: its weights or gradients have diverged");
        }

        score = (score.dtype == ScalarType.Float64 ? score : score.to(ScalarType.Float32)).clamp_min(float.MinValue); // −∞ is for the pruned ones alone
        return previous is not null && previous.TryGetValue(name, out Tensor? kept) ? score.masked_fill(kept.logical_not(), double.NegativeInfinity) : score;
    }
}
