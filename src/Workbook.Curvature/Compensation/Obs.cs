using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Weights that went one by one.</summary>
/// <param name="Weights">What the others became; float64, exactly 0 where they went.</param>
/// <param name="Order">Which went, the first first.</param>
/// <param name="Costs">What the loss grew by at each, to second order.</param>
public sealed record Elimination(Tensor Weights, IReadOnlyList<long> Order, IReadOnlyList<double> Costs);

/// <summary>
/// Optimal brain surgeon (Hassibi and Stork 1993) on one block of weights at a minimum, where the loss grows by ½·(x − w)ᵀH(x − w).
/// </summary>
public static class Obs
{
    /// <summary>
    /// Takes weights one by one: each time the one with the least ½·w_q²/[H⁻¹]_qq, while the others move by −w_q/[H⁻¹]_qq·H⁻¹e_q, which makes up for it as well
    /// as can be.
    /// </summary>
    /// <param name="weights">[n].</param>
    /// <param name="hessian">[n, n], symmetric and positive definite.</param>
    /// <param name="count">How many go.</param>
    /// <exception cref="WorkbookException">The sizes disagree, a weight is not a number, more are to go than there are, or the Hessian is singular.</exception>
    public static Elimination Eliminate(Tensor weights, Tensor hessian, long count)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(hessian);
        long n = weights.numel();
        if (!hessian.shape.SequenceEqual([n, n]) || count < 0 || count > n)
        {
            throw new WorkbookException($"of {n} weights from 0 to {n} go, by a Hessian [{n}, {n}]; not {count} by one of "
                + $"[{string.Join(", ", hessian.shape)}]");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor left = weights.detach().to(ScalarType.Float64).flatten().clone();
        if (!left.isfinite().all().item<bool>())
        {
            throw new WorkbookException("a weight is NaN or infinite: start from another model");
        }

        Tensor inverse = Positive.Inverse(hessian.detach().to(ScalarType.Float64), () => "the Hessian is singular: add a damping to its diagonal");
        Tensor gone = zeros(n, ScalarType.Bool);
        List<long> order = [];
        List<double> costs = [];
        while (order.Count < count)
        {
            using DisposeScope step = NewDisposeScope();
            Tensor cost = left.Squared().div(inverse.diagonal()).masked_fill(gone, HeldNumbers.Infinity);
            long q = cost.argmin().item<long>();
            order.Add(q);
            costs.Add(cost[q].item<double>() / 2);
            Tensor column = inverse[q].clone();
            double pivot = column[q].item<double>();
            left.add_(column.Times(-left[q].item<double>() / pivot), HeldNumbers.One);
            inverse.add_(column.unsqueeze(1).mul(column.unsqueeze(0)).Times(-1 / pivot), HeldNumbers.One);
            gone[q].fill_(HeldNumbers.True);
            left.masked_fill_(gone, HeldNumbers.Zero);
            inverse[q].zero_();
            inverse.select(1, q).zero_();
            inverse[q, q].fill_(HeldNumbers.One); // nothing is divided by 0
        }

        return new(left.DetachFromDisposeScope(), order, costs);
    }
}
