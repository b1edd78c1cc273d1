using System.Globalization;

namespace Workbook;

/// <summary>What <see cref="Sparse.Convert"/> did with one layer.</summary>
/// <param name="Name">The layer, e.g. <c>fc1</c>.</param>
/// <param name="Sparsity">Fraction of its weights that is pruned, 0 to 1.</param>
/// <param name="Speedup">Time of the dense layer over that of the sparse one, measured here; null where it was not measured.</param>
/// <param name="StaysDense">Why it was not exchanged; null if it was.</param>
public sealed record ConvertedLayer(string Name, double Sparsity, double? Speedup, string? StaysDense)
{
    /// <summary>E.g. <c>fc1: 95.0% pruned, sparse, 8.1 times as fast</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Name}: {Sparsity:P1} pruned, {(StaysDense is null ? "sparse" : $"stays dense: {StaysDense}")}"
        + $"{(Speedup is { } speedup ? $", sparse is {speedup:F1} times as fast" : "")}");
}

/// <summary>What <see cref="Sparse.Convert"/> did.</summary>
/// <param name="Layers">The layers that the mask names, in its order.</param>
/// <param name="Remaining">The mask of what stays dense, for further training: sparse layers need none.</param>
public sealed record Conversion(IReadOnlyList<ConvertedLayer> Layers, Mask Remaining)
{
    /// <summary>The layers that hand their results on in the sparse convolutions' own layout, so that nothing is rearranged before the next: in a model
    /// that answers the same so, for an example that was given.</summary>
    public IReadOnlyList<string> InPlanes { get; init; } = [];

    /// <summary>One line a layer, and one for those that hand on in the sparse layout.</summary>
    public override string ToString() => string.Join('\n', Layers)
        + (InPlanes.Count == 0 ? "" : $"\nin the sparse layout to the next layer: {string.Join(", ", InPlanes)}");
}
