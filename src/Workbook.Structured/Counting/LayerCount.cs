namespace Workbook;

/// <summary>What one layer holds and costs.</summary>
/// <param name="Name">The layer's name in the model.</param>
/// <param name="Kind">E.g. <c>Conv2d</c>.</param>
/// <param name="Parameters">Weights, biases, scales and shifts; of a sparse layer's weights those that it keeps.</param>
/// <param name="NonZeros">Those of them that are not 0.</param>
/// <param name="Macs">
/// Multiply-accumulates for one example; null for layers in which they are not counted: norms, embeddings, and where <see cref="IsUncounted"/>. A sparse
/// layer's are those of the dense one.
/// </param>
/// <param name="EffectiveMacs">Those whose weight is not 0.</param>
/// <param name="DenseBytes">The parameters with all weights, also those that a sparse layer does not keep.</param>
/// <param name="CompressedBytes">The parameters with weights in compressed sparse rows where that is smaller: a value and an index of 4 bytes a non-zero, 4
/// bytes a row.</param>
public sealed record LayerCount(
    string Name, string Kind, long Parameters, long NonZeros, long? Macs, long? EffectiveMacs, long DenseBytes, long CompressedBytes)
{
    /// <summary>
    /// Whether it multiplies by its parameters, or may, and is in no sum of multiply-accumulates: attention, cells of recurrent networks, modules of
    /// one's own.
    /// </summary>
    public bool IsUncounted { get; init; }
}
