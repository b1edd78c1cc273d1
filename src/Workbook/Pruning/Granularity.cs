using static TorchSharp.torch;

namespace Workbook;

/// <summary>What goes as one piece. Turns the scores of weights into scores of pieces, and kept pieces into kept weights.</summary>
public abstract class Granularity
{
    /// <summary>The score of each piece: −∞ for one that is pruned already, +∞ for one that has to stay.</summary>
    /// <param name="scores">Finite scores of the weights, shaped as the parameter; 0 where a weight is pruned already.</param>
    /// <param name="kept">Bool, of that shape: what is left.</param>
    /// <returns>One dimension, one score a piece.</returns>
    /// <exception cref="WorkbookException">A parameter of that shape has no such pieces.</exception>
    public abstract Tensor Pieces(Tensor scores, Tensor kept);

    /// <summary>The weights that are kept.</summary>
    /// <param name="pieces">One bool a piece: whether it stays.</param>
    /// <param name="kept">Bool, shaped as the parameter: what was left before.</param>
    /// <returns>Bool, of that shape.</returns>
    public abstract Tensor Weights(Tensor pieces, Tensor kept);

    /// <summary>Every weight by itself: unstructured pruning.</summary>
    public static Granularity Weight { get; } = new SingleWeight();

    /// <summary>Slices along a dimension, worth the L<paramref name="n"/> norm of their scores (<c>ln_structured</c>).</summary>
    /// <param name="dim">The dimension whose indices go, negative from the end: 0 output units or channels, 1 inputs.</param>
    /// <param name="n">The norm: 1, 2, ∞, or any other.</param>
    public static Granularity Along(int dim, double n = 2) => new Slices(dim, n);

    /// <summary>A row of a linear layer's matrix: one output unit.</summary>
    /// <param name="n">The norm of its scores.</param>
    public static Granularity Row(double n = 2) => Along(0, n);

    /// <summary>A column of a linear layer's matrix: one input.</summary>
    /// <param name="n">The norm of its scores.</param>
    public static Granularity Column(double n = 2) => Along(1, n);

    /// <summary>The filter of one output channel of a convolution.</summary>
    /// <param name="n">The norm of its scores.</param>
    public static Granularity Channel(double n = 2) => Along(0, n);

    /// <summary>
    /// N:M sparsity (Mishra et al. 2021): of every m consecutive inputs of an output unit the best n always stay, so that
    /// pruning ends at a sparsity of 1 − n/m.
    /// </summary>
    /// <param name="n">Weights that stay, from 1 to m.</param>
    /// <param name="m">Weights in a group; divides the inputs of a unit (for a convolution, over channels and kernel).</param>
    /// <exception cref="WorkbookException">n is not from 1 to m.</exception>
    public static Granularity NofM(int n, int m) => n >= 1 && n <= m ? new Groups(n, m)
        : throw new WorkbookException($"{n}:{m} sparsity keeps from 1 to {m} of {m} weights, not {n}");

    private sealed class SingleWeight : Granularity
    {
        public override Tensor Pieces(Tensor scores, Tensor kept) => scores.masked_fill(kept.logical_not(), HeldNumbers.MinusInfinity).flatten();

        public override Tensor Weights(Tensor pieces, Tensor kept) => pieces.reshape(kept.shape);

        public override string ToString() => "weight";
    }

    private sealed class Slices(int dim, double n) : Granularity
    {
        public override string ToString() => FormattableString.Invariant($"slices along {dim}, L{n}");

        public override Tensor Pieces(Tensor scores, Tensor kept)
        {
            int along = Dimension(scores);
            (scores, kept) = scores.dim() > 1 ? (scores, kept) : (scores.unsqueeze(1), kept.unsqueeze(1)); // a bias: one a unit
            long[] others = [.. Enumerable.Range(0, (int)scores.dim()).Where(d => d != along).Select(d => (long)d)];
            return scores.NormOf(n, others).masked_fill(kept.transpose(0, along).flatten(1).any(1).logical_not(), HeldNumbers.MinusInfinity);
        }

        public override Tensor Weights(Tensor pieces, Tensor kept)
        {
            long[] shape = [.. kept.shape.Select(_ => 1L)];
            shape[Dimension(kept)] = -1;
            return pieces.reshape(shape).logical_and(kept);
        }

        private int Dimension(Tensor parameter) => dim < parameter.dim() && dim >= -parameter.dim() ? (int)((dim + parameter.dim()) % parameter.dim())
            : throw new WorkbookException($"a parameter of shape [{string.Join(", ", parameter.shape)}] has no dimension {dim}");
    }

    private sealed class Groups(int n, int m) : Granularity
    {
        public override Tensor Pieces(Tensor scores, Tensor kept)
        {
            long inputs = scores.dim() > 1 ? scores.flatten(1).shape[1] : 1;
            if (inputs % m != 0)
            {
                throw new WorkbookException(
                    $"{n}:{m} sparsity needs units with a multiple of {m} inputs; a parameter of shape [{string.Join(", ", scores.shape)}] has {inputs}");
            }

            Tensor groups = Weight.Pieces(scores, kept).reshape(-1, m);
            Tensor best = groups.sort(1, descending: true, stable: true).Indices.narrow(1, 0, n);
            return groups.scatter(1, best, groups.gather(1, best).masked_fill(groups.gather(1, best).isfinite(), HeldNumbers.Infinity)).flatten();
        }

        public override Tensor Weights(Tensor pieces, Tensor kept) => Weight.Weights(pieces, kept);

        public override string ToString() => $"{n}:{m}";
    }
}
