using static TorchSharp.torch;

namespace Workbook.Pruning;

/// <summary>What goes as one piece. Turns the scores of weights into scores of pieces, and kept pieces into kept weights.</summary>
public abstract class Granularity
{
    /// <summary>The score of each piece.</summary>
    /// <param name="scores">Scores of the weights, shaped as the parameter.</param>
    /// <returns>One dimension, one score a piece.</returns>
    public abstract Tensor Pieces(Tensor scores);

    /// <summary>The weights that are kept.</summary>
    /// <param name="kept">One bool a piece.</param>
    /// <param name="shape">The parameter's shape.</param>
    /// <returns>Bool, of that shape.</returns>
    public abstract Tensor Weights(Tensor kept, long[] shape);

    /// <summary>Every weight by itself: unstructured pruning.</summary>
    public static Granularity Weight { get; } = new SingleWeight();

    private sealed class SingleWeight : Granularity
    {
        public override Tensor Pieces(Tensor scores) => scores.flatten();

        public override Tensor Weights(Tensor kept, long[] shape) => kept.reshape(shape);
    }
}
