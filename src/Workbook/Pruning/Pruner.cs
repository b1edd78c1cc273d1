using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A pruning method: saliency × granularity × scope. The schedule calls it once a round.</summary>
/// <param name="Saliency">What a weight is worth.</param>
public sealed record Pruner(Saliency Saliency)
{
    /// <summary>What goes as one piece; by default every weight by itself.</summary>
    public Granularity Granularity { get; init; } = Granularity.Weight;

    /// <summary>Among which weights the ranking runs; by default each layer by itself.</summary>
    public Scope Scope { get; init; } = Scope.PerLayer();

    /// <summary>
    /// Chooses what is left at a sparsity. Exactly round(sparsity · pieces) pieces are gone then (half to even, as PyTorch
    /// rounds); of equal scores the first in the parameter goes first. The model is not changed: <see cref="Mask.Apply"/> does that.
    /// </summary>
    /// <param name="model">The model whose weights are ranked.</param>
    /// <param name="sparsity">The fraction of pieces pruned in all, 0 to 1, of the layers in scope.</param>
    /// <param name="previous">What is pruned already, and stays pruned, also in layers that are not in scope.</param>
    /// <returns>The layers in scope, and those others in which weights are pruned already.</returns>
    /// <exception cref="WorkbookException">
    /// A sparsity outside 0 to 1, below what is pruned already or above what the granularity allows, a layer that is not
    /// there, a model without weights or all of them left out, a previous mask that does not fit the model, a score that is not a number, weights without
    /// values (on the device meta).
    /// </exception>
    public Mask Prune(nn.Module model, double sparsity, Mask? previous = null)
    {
        CheckSparsity(sparsity);
        return Choose(model, previous, (names, total, gone) =>
        {
            double wanted = Scope.SparsityOf(names, sparsity);
            CheckSparsity(wanted);
            long goes = (long)Math.Round(wanted * total, MidpointRounding.ToEven);
            return goes >= gone ? goes : throw new WorkbookException(FormattableString.Invariant(
                $"{names}: {(double)gone / total:P2} is pruned already, more than the {wanted:P2} asked for; pruned weights do not come back"));
        });
    }

    /// <summary>Prunes an amount of what is left, as torch.nn.utils.prune does when it is called again and again.</summary>
    /// <param name="model">The model whose weights are ranked.</param>
    /// <param name="amount">A fraction of the pieces left, or a number of pieces; in each layer, or in all together.</param>
    /// <param name="previous">As for <see cref="Prune"/>.</param>
    /// <returns>As <see cref="Prune"/>.</returns>
    /// <exception cref="WorkbookException">More than is left or than the granularity allows; otherwise as <see cref="Prune"/>.</exception>
    public Mask PruneMore(nn.Module model, Amount amount, Mask? previous = null) => Choose(model, previous, (_, total, gone) => gone + amount.Of(total - gone));

    internal static void CheckSparsity(double sparsity)
    {
        if (!(sparsity is >= 0 and <= 1))
        {
            throw new WorkbookException($"a sparsity is a fraction from 0 to 1, not {sparsity}");
        }
    }

    /// <param name="model">The model.</param>
    /// <param name="previous">What is pruned already.</param>
    /// <param name="gone">(names, pieces, those gone already) → how many are to be gone.</param>
    private Mask Choose(nn.Module model, Mask? previous, Func<string, long, long, long> gone)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        if (Prunable.Weights(model, null, Scope.Included).Count == 0)
        {
            throw new WorkbookException(model.named_parameters().Select(p => p.name).ToArray() is { Length: > 0 } own
                ? $"the model has no weights to prune: no layer says that one of {string.Join(", ", own)} is a weight; "
                    + $"name parameters to prune with Scope.PerLayer().Including(\"{own[0]}\")"
                : "the model has no weights to prune: it has no parameters (RegisterComponents() is missing in its constructor, or its layers are in a list?)");
        }

        IReadOnlyList<(string Name, Parameter Weight)> weights = Scope.Of(model);
        if (weights.Count == 0)
        {
            throw new WorkbookException("every layer of the model is left out: there is nothing to prune");
        }

        foreach ((string name, Parameter weight) in weights)
        {
            Prunable.RequireValues($"the parameter '{name}'", weight);
        }

        // What was pruned outside of this scope stays pruned too.
        IEnumerable<KeyValuePair<string, Tensor>> others =
            (previous?.FitTo(model) ?? []).Where(p => !weights.Any(w => w.Name == p.Name) && previous!.SparsityOf(p.Name) > 0)
            .Select(p => KeyValuePair.Create(p.Name, p.Kept));
        return new Mask(weights.GroupBy(w => Scope.IsGlobal ? "" : w.Name).SelectMany(group => Rank([.. group], previous, gone)).Concat(others)).For(model);
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Rank((string Name, Parameter Weight)[] group, Mask? previous, Func<string, long, long, long> gone)
    {
        string names = string.Join(", ", group.Select(w => w.Name));
        Tensor[] kept = [.. group.Select(w => previous is not null && previous.TryGetValue(w.Name, out Tensor? left) ? left
            : ones(w.Weight.shape, ScalarType.Bool))];
        Tensor[] pieces = [.. group.Zip(kept, (w, k) => Granularity.Pieces(Score(w.Name, w.Weight).mul(k), k))];
        Tensor all = cat(pieces);
        long goes = gone(names, all.numel(), all.eq(HeldNumbers.MinusInfinity).count_nonzero().item<long>());
        if (all.ne(HeldNumbers.Infinity).count_nonzero().item<long>() is var free && goes > free)
        {
            throw new WorkbookException(FormattableString.Invariant($"{names}: at most {(double)free / all.numel():P2} can be pruned at this granularity"));
        }

        Tensor stays = Greatest(all, all.numel() - goes);
        return group.Select(w => w.Name).Zip(kept, stays.split([.. pieces.Select(p => p.numel())]))
            .Select(layer => KeyValuePair.Create(layer.First, Granularity.Weights(layer.Third, layer.Second)));
    }

    /// <summary>Bool, where the greatest scores are; of equal ones the last, so that the same ones go on every machine.</summary>
    private static Tensor Greatest(Tensor scores, long count)
    {
        if (count == 0)
        {
            return zeros(scores.numel(), ScalarType.Bool);
        }

        // Only the threshold comes from topk, which leaves open which of equal scores it takes. A stable sort takes
        // eight times as long; kthvalue is a little faster than topk, but takes minutes on scores in falling order.
        Tensor least = scores.topk(checked((int)count), 0, largest: true, sorted: false).values.min();
        Tensor stays = scores.gt(least);
        Tensor equal = scores.eq(least).nonzero().flatten();
        long missing = count - stays.count_nonzero().item<long>();
        return stays.index_fill_(0, equal.narrow(0, equal.numel() - missing, missing), HeldNumbers.True);
    }

    /// <summary>The saliency as finite numbers: ±∞ have a meaning of their own in the ranking.</summary>
    private Tensor Score(string name, Parameter weight)
    {
        Tensor given = Saliency.Score(name, weight);
        Prunable.RequireValues($"the saliency of '{name}'", given);
        Tensor score = given.detach().cpu();
        if (score.isnan().any().item<bool>())
        {
            throw new WorkbookException($"the saliency of '{name}' is not a number: its weights or gradients have diverged");
        }

        using Scalar least = float.MinValue, most = float.MaxValue;
        return score.AtLeastSingle().clamp(least, most);
    }
}
