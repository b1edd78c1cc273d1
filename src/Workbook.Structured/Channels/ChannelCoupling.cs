namespace Workbook;

/// <summary>From which channels reach which inputs to what has to go together.</summary>
internal static class ChannelCoupling
{
    internal static IReadOnlyList<ChannelGroup> Groups(IReadOnlyList<ChannelLayer> layers, ChannelTracer tracer)
    {
        int[] first = [.. layers.Select((_, l) => layers.Take(l).Sum(before => before.Outputs))];
        int Node((int Layer, int Channel) channel) => first[channel.Layer] + channel.Channel;
        UnionFind units = new(layers.Sum(l => l.Outputs)), groups = new(layers.Count);
        Dictionary<int, string> stays = [];
        foreach ((ChannelLayer layer, int l) in layers.Select((layer, l) => (layer, l)))
        {
            // In a layer in groups, all inputs and outputs of a block go together. A batch norm has a channel of its own only through its input.
            int width = layer.IsNorm ? 1 : layer.Groups == 1 ? 0 : layer.InputsOfGroup;
            for (int i = 0; i < layer.Inputs; i++)
            {
                List<int> together = [.. tracer.Sources[l][i].Select(Node)];
                string? because = together.Count > 0 && tracer.Zero[l][i] ? $"what reaches '{layer.Name}' is not zero when they are" : null;
                if (width > 0)
                {
                    int block = i / layer.InputsOfGroup;
                    because ??= together.Count == 0 ? $"'{layer.Name}' reads the model's input in groups" : null;
                    together.AddRange(Enumerable.Range(block * layer.OutputsOfGroup, layer.OutputsOfGroup).Select(c => Node((l, c))));
                }

                foreach (int node in together)
                {
                    units.Union(together[0], node);
                    _ = because is not null && stays.TryAdd(node, because);
                }
            }
        }

        (int Layer, int Channel)[] producers = [.. layers.SelectMany((layer, l) => layer.IsNorm ? [] : Enumerable.Range(0, layer.Outputs).Select(c => (l, c)))];
        var byUnit = producers.GroupBy(p => units.Find(Node(p))).ToArray();
        foreach (var unit in byUnit)
        {
            foreach ((int layer, _) in unit)
            {
                groups.Union(unit.First().Layer, layer);
            }
        }

        var inputs = layers.SelectMany((layer, l) => tracer.Sources[l].Select((sources, i) => (Layer: layer, Input: i, Sources: sources)))
            .Where(i => i.Sources.Length > 0).ToLookup(i => units.Find(Node(i.Sources[0])));
        Dictionary<int, string> unitStays = stays.GroupBy(s => units.Find(s.Key)).ToDictionary(g => g.Key, g => g.First().Value);
        return [.. byUnit.GroupBy(unit => groups.Find(unit.First().Layer)).Select(group =>
        {
            int[] members = [.. group.SelectMany(u => u).Select(p => p.Layer).Distinct().Order()];
            string? because = members.Select(tracer.WholeBecause).FirstOrDefault(b => b is not null) ?? group.Select(u => unitStays.GetValueOrDefault(u.Key))
                .FirstOrDefault(b => b is not null);
            return new ChannelGroup([.. members.Select(m => layers[m].Name)], [.. group.Select(Unit)], because);
        })];

        ChannelUnit Unit(IGrouping<int, (int Layer, int Channel)> unit) => new(
            [.. unit.Select(p => (layers[p.Layer].Name, p.Channel))],
            [.. inputs[unit.Key].Where(i => i.Layer.IsNorm).Select(i => (i.Layer.Name, i.Input))],
            [.. inputs[unit.Key].Where(i => !i.Layer.IsNorm).Select(i => (i.Layer.Name, i.Input))]);
    }
}
