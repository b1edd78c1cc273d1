using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// What whole channels are worth, where that is no norm of what their weights are worth. A <see cref="ChannelPruner"/> adds up what the rows of a channel are
/// worth in the layers that make it (<see cref="ScoredSlices.Group"/>, <see cref="ScoredSlices.Filters"/>), or in its norms. For a <see cref="Pruner"/>
/// every weight is worth what its row is: take <see cref="Granularity.Channel"/> with the norm ∞.
/// </summary>
public abstract class ChannelSaliency : Saliency
{
    /// <summary>Scores the channels that a layer makes.</summary>
    /// <param name="name">The name of its weight.</param>
    /// <param name="weight">Its weight, or the scale of a norm.</param>
    /// <param name="dim">The weight's dimension of channels: 0 but for transposed convolutions and embeddings.</param>
    /// <returns>[channels]; a higher score is kept longer.</returns>
    /// <exception cref="WorkbookException">The criterion needs something that is missing.</exception>
    public abstract Tensor Score(string name, Parameter weight, int dim);

    /// <inheritdoc/>
    public sealed override Tensor Score(string name, Parameter weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return Score(name, weight, 0).reshape([-1, .. weight.shape.Skip(1).Select(_ => 1L)]).expand(weight.shape);
    }

    /// <summary>
    /// FPGM (He et al. 2019, eq. 5): the sum of a filter's Euclidean distances to the others of its layer. Filters near the geometric median go first, which
    /// the others can stand in for, however large they are.
    /// </summary>
    public static ChannelSaliency GeometricMedian { get; } = new DistanceToOthers();

    /// <summary>A layer's weight as a matrix with a row for each channel, in float64.</summary>
    internal static Tensor Rows(Tensor weight, int dim) => weight.detach().to(ScalarType.Float64).transpose(dim, 0).reshape(weight.shape[dim], -1);

    private sealed class DistanceToOthers : ChannelSaliency
    {
        public override Tensor Score(string name, Parameter weight, int dim)
        {
            Tensor rows = Rows(weight, dim);
            return cdist(rows, rows).sum(1L);
        }

        public override string ToString() => "distance to the other filters";
    }
}
