using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// SparseGPT (Frantar and Alistarh 2023): columns go from left to right, and what a pruned weight took away the columns to its right make up for. The mask is
/// chosen in blocks of columns as they come, by w²/[H⁻¹]²_cc in Cholesky's form, or given.
/// </summary>
/// <param name="calibration">Of the model before the pruning.</param>
/// <param name="blockSize">Columns whose mask is chosen at once; 128 in the paper. For N:M the groups decide.</param>
public sealed class SparseGpt(Calibration calibration, int blockSize = 128) : Compensation
{
    /// <summary>Chooses a mask and compensates, layer by layer.</summary>
    /// <param name="model">Changed in place: the pruned weights are 0, the others have moved.</param>
    /// <param name="sparsity">The fraction pruned of every layer that was calibrated, 0 to 1.</param>
    /// <returns>What is left.</returns>
    /// <exception cref="WorkbookException">The sparsity is outside 0 to 1, or as <see cref="Compensation.Apply"/>.</exception>
    public Mask Prune(nn.Module model, double sparsity)
    {
        Pruner.CheckSparsity(sparsity);
        return Prune(model, new Choice(sparsity, 0, 0));
    }

    /// <summary>As the other overload, for N:M sparsity: of every m consecutive inputs of an output unit the best n stay.</summary>
    /// <param name="model">Changed in place.</param>
    /// <param name="n">Weights that stay, from 1 to m.</param>
    /// <param name="m">Weights in a group; divides the inputs of a unit.</param>
    /// <returns>What is left.</returns>
    /// <exception cref="WorkbookException">n is not from 1 to m, a layer's inputs are no multiple of m, or as <see cref="Compensation.Apply"/>.</exception>
    public Mask Prune(nn.Module model, int n, int m)
    {
        _ = Granularity.NofM(n, m); // says what is wrong
        return calibration.Moments.FirstOrDefault(l => l.Value.shape[^1] % m != 0) is { Key: { } odd } layer
            ? throw new WorkbookException($"{n}:{m} sparsity needs units with a multiple of {m} inputs; '{odd}' has {layer.Value.shape[^1]}: leave it out "
                + "of the calibration")
            : Prune(model, new Choice(0, n, m));
    }

    /// <inheritdoc/>
    public override string ToString() => $"SparseGPT, blocks of {blockSize}";

    /// <inheritdoc/>
    protected override Tensor Moved(string name, Parameter weight, Tensor kept) => Sweep(name, weight, kept, default).Weights;

    private readonly record struct Choice(double Sparsity, int N, int M);

    private Mask Prune(nn.Module model, Choice choice)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        List<(Parameter Parameter, Tensor Moved)> moved = [];
        Dictionary<string, Tensor> kept = [];
        foreach (string name in calibration.Moments.Keys)
        {
            Parameter weight = parameters.TryGetValue(name, out Parameter? known) ? known
                : throw new WorkbookException($"the model has no parameter '{name}', which was calibrated");
            using DisposeScope one = NewDisposeScope(); // inverses of large layers would add up
            (Tensor weights, Tensor left) = Sweep(name, weight, null, choice);
            moved.Add((weight, weights.MoveToOuterDisposeScope()));
            kept[name] = left.MoveToOuterDisposeScope();
        }

        Mask mask = new Mask(kept).For(model);
        moved.ForEach(m => m.Parameter.copy_(m.Moved.reshape(m.Parameter.shape).to(m.Parameter.dtype)));
        mask.Apply(model);
        return mask;
    }

    private (Tensor Weights, Tensor Kept) Sweep(string name, Parameter parameter, Tensor? kept, Choice choice)
    {
        if (blockSize < 1)
        {
            throw new WorkbookException($"a mask is chosen in blocks of 1 or more columns, not {blockSize}");
        }

        if (!parameter.isfinite().all().item<bool>())
        {
            throw new WorkbookException($"'{name}' holds NaN or infinity: start from another model");
        }

        Tensor weights = calibration.Matrix(name, parameter).clone();
        Tensor left = kept?.reshape(weights.shape).clone() ?? ones(weights.shape, ScalarType.Bool);
        Tensor inverse = Positive.Inverse(calibration.Hessian(name), () => calibration.Singular(name));
        Tensor upper = Positive.Factor(inverse, () => calibration.Singular(name)).transpose(1, 2).contiguous();
        int width = choice.M > 0 ? choice.M * Math.Max(1, blockSize / choice.M) : blockSize;
        for (long g = 0; g < weights.shape[0]; g++)
        {
            for (long start = 0; start < weights.shape[2]; start += width)
            {
                using DisposeScope scope = NewDisposeScope();
                Block(weights[g], left[g], upper[g], start, Math.Min(width, weights.shape[2] - start), kept is null ? choice : null);
            }
        }

        return (weights, left.reshape(parameter.shape));
    }

    /// <param name="weights">[rows, inputs], changed.</param>
    /// <param name="left">What is kept, changed where it is to be chosen.</param>
    /// <param name="upper">Upper Cholesky factor of the inverse Hessian.</param>
    /// <param name="start">The block's first column.</param>
    /// <param name="count">Its columns.</param>
    /// <param name="choice">How the mask is chosen; null where it is given.</param>
    private static void Block(Tensor weights, Tensor left, Tensor upper, long start, long count, Choice? choice)
    {
        Tensor block = weights.narrow(1, start, count), stays = left.narrow(1, start, count);
        Tensor own = upper.narrow(0, start, count);
        Tensor pivots = own.narrow(1, start, count).diagonal();
        if (choice is { M: 0 } share)
        {
            // As many as are due after this block, less those that went before it: exact over the layer.
            long rows = weights.shape[0];
            long goes = Due(start + count) - Due(start);
            Tensor flat = block.div(pivots).Squared().flatten();
            Tensor least = flat.sort(0, stable: true).Indices.narrow(0, 0, goes);
            stays.copy_(ones(flat.numel(), ScalarType.Bool).index_fill_(0, least, HeldNumbers.Zero).reshape(block.shape));
            long Due(long columns) => (long)Math.Round(share.Sparsity * rows * columns, MidpointRounding.ToEven);
        }

        Tensor errors = zeros_like(block);
        for (long c = 0; c < count; c++)
        {
            using DisposeScope scope = NewDisposeScope();
            if (choice is { M: > 0 } groups && c % groups.M == 0)
            {
                Tensor scores = block.narrow(1, c, groups.M).div(pivots.narrow(0, c, groups.M)).Squared();
                Tensor best = scores.sort(1, descending: true, stable: true).Indices.narrow(1, 0, groups.N);
                stays.narrow(1, c, groups.M).copy_(zeros(scores.shape, ScalarType.Bool).scatter(1, best, ones(best.shape, ScalarType.Bool)));
            }

            Tensor error = block.select(1, c).masked_fill(stays.select(1, c), HeldNumbers.Zero).div(pivots[c]);
            errors.select(1, c).copy_(error);
            block.narrow(1, c, count - c).add_(error.unsqueeze(1).mul(own[c].narrow(0, start + c, count - c)).neg(), HeldNumbers.One);
        }

        long after = weights.shape[1] - start - count;
        if (after > 0)
        {
            weights.narrow(1, start + count, after).add_(errors.matmul(own.narrow(1, start + count, after)).neg(), HeldNumbers.One);
        }

        block.masked_fill_(stays.logical_not(), HeldNumbers.Zero);
    }
}
