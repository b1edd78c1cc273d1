namespace Workbook;

/// <summary>The multiplications of a traced model without some of its channels, which stay for that.</summary>
internal sealed class MacsLeft
{
    private readonly ChannelGraph _graph;
    private readonly long _fixed;
    private readonly (ChannelLayer Layer, long Positions)[] _cut;

    internal MacsLeft(ChannelGraph graph)
    {
        _graph = graph;
        Dictionary<string, ChannelLayer> layers = graph.Layers.ToDictionary(l => l.Name);
        ILookup<bool, LayerCount> counts = graph.Count().Layers.Where(c => c.Macs > 0).ToLookup(c => layers.ContainsKey(c.Name));
        _fixed = counts[false].Sum(c => c.Macs!.Value);
        _cut = [.. counts[true].Select(c => (layers[c.Name], c.Macs!.Value / layers[c.Name].Weight.numel()))];
    }

    /// <summary>As <see cref="ModelCount.Macs"/> after <see cref="ChannelGraph.Remove"/>.</summary>
    internal long Without(IReadOnlyCollection<ChannelUnit> gone)
    {
        Dictionary<string, (HashSet<int> Outputs, HashSet<int> Inputs)> touched = ChannelTrials.Touched(_graph.Layers, gone)
            .ToDictionary(t => t.Layer.Name, t => (t.Outputs, t.Inputs));
        return _fixed + _cut.Sum(c => c.Positions * (touched.TryGetValue(c.Layer.Name, out var lost) ? c.Layer.WeightsWithout(lost.Outputs, lost.Inputs)
            : c.Layer.Weight.numel()));
    }
}
