namespace Workbook;

/// <summary>Layers whose output channels go together, one channel of each at a time: those that meet in a sum, or in a depthwise convolution.</summary>
/// <param name="Layers">The layers' names; embeddings and parameters of the model's own are among them.</param>
/// <param name="Units">Pieces that can only go as a whole, in ascending order.</param>
/// <param name="WholeBecause">Why none of the channels may go; null where they may.</param>
public sealed record ChannelGroup(IReadOnlyList<string> Layers, IReadOnlyList<ChannelUnit> Units, string? WholeBecause)
{
    /// <summary>
    /// Norms over the group's channels (layer norms): with fewer channels they divide the others by another deviation than with zeros in their place, so
    /// that the answers are no longer those of the zeroed model. Empty where they are.
    /// </summary>
    public IReadOnlyList<string> Renormalized { get; init; } = [];

    /// <summary>E.g. <c>layer1.0.conv2, layer1.1.conv2: 64 units</c>.</summary>
    public override string ToString() => $"{string.Join(", ", Layers)}: {Units.Count} units"
        + (WholeBecause is not null ? $", all stay: {WholeBecause}"
            : Renormalized.Count > 0 ? $", over which {string.Join(", ", Renormalized.Select(r => $"'{r}'"))} normalizes anew" : "");
}

/// <summary>A piece of a <see cref="ChannelGroup"/>.</summary>
/// <param name="Outputs">The channels that go, as pairs of layer and output channel.</param>
/// <param name="Norms">The channels of norms, and of slopes, that go with them.</param>
/// <param name="Inputs">The inputs of layers that lose them, as pairs of layer and input.</param>
public sealed record ChannelUnit(IReadOnlyList<(string Layer, int Channel)> Outputs, IReadOnlyList<(string Layer, int Channel)> Norms,
    IReadOnlyList<(string Layer, int Input)> Inputs);
