namespace Workbook;

/// <summary>From which channels reach which inputs to what has to go together.</summary>
internal sealed class ChannelCoupling
{
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly ChannelTracer _tracer;
    private readonly int[] _first;
    private readonly UnionFind _units;
    private readonly Dictionary<int, string> _stays = [];
    private readonly Dictionary<int, string> _refused = [];
    private readonly Dictionary<string, int> _indices;

    internal ChannelCoupling(IReadOnlyList<ChannelLayer> layers, ChannelTracer tracer)
    {
        (_layers, _tracer) = (layers, tracer);
        _first = new int[layers.Count];
        for (int l = 1; l < layers.Count; l++)
        {
            _first[l] = _first[l - 1] + layers[l - 1].Outputs;
        }

        _units = new(layers.Sum(l => l.Outputs));
        _indices = layers.Select((l, i) => (l.Name, i)).ToDictionary(l => l.Name, l => l.i);
        foreach ((ChannelLayer layer, int l) in layers.Select((layer, l) => (layer, l)))
        {
            // In a layer in groups, all inputs and outputs of a block go together. A batch norm has a channel of its own only through its input.
            int width = layer.Groups == 1 ? layer.IsNorm ? layer.Inputs : 0 : layer.InputsOfGroup;
            for (int i = 0; i < layer.Inputs; i++)
            {
                List<int> together = [.. tracer.Sources[l][i].Select(s => Node(s.Layer, s.Channel))];
                string? because = together.Count > 0 && tracer.Zero[l][i] ? $"what reaches '{layer.Name}' is not zero when they are" : null;
                if (width > 0)
                {
                    int block = i / width;
                    because ??= together.Count == 0 && !layer.IsNorm ? $"'{layer.Name}' reads the model's input in groups" : null;
                    together.AddRange(Enumerable.Range(block * layer.OutputsOfGroup, layer.OutputsOfGroup).Select(c => Node(l, c)));
                }

                foreach (int node in together)
                {
                    _units.Union(together[0], node);
                    _ = because is not null && _stays.TryAdd(node, because);
                }
            }
        }
    }

    /// <summary>Channels that go together for another reason.</summary>
    internal void Join(IEnumerable<(string Layer, int Channel)> channels)
    {
        int first = -1;
        foreach ((string layer, int channel) in channels)
        {
            int node = Node(_indices[layer], channel);
            first = first < 0 ? node : first;
            _units.Union(first, node);
        }
    }

    /// <summary>Layers whose channels are multiplied with each other's, and added up: queries, keys and values.</summary>
    internal HashSet<string> Products { get; } = [];

    /// <summary>A copy to try a joint with.</summary>
    internal ChannelCoupling Copy() => new(this);

    private ChannelCoupling(ChannelCoupling other)
    {
        (_layers, _tracer, _first, _stays, _refused, _indices) = (other._layers, other._tracer, other._first, other._stays, other._refused, other._indices);
        (_units, Products) = (other._units.Copy(), other.Products);
    }

    /// <summary>A layer, and what goes with it, keeps its channels.</summary>
    internal void Refuse(string layer, string because) => _refused.TryAdd(_indices[layer], because);

    internal IReadOnlyList<ChannelGroup> Groups()
    {
        UnionFind groups = new(_layers.Count);
        (int Layer, int Channel)[] producers = [.. _layers.SelectMany((layer, l) => layer.IsProducer ? Enumerable.Range(0, layer.Outputs)
            .Select(c => (l, c)) : [])];
        var byUnit = producers.GroupBy(p => _units.Find(Node(p.Layer, p.Channel))).ToArray();
        foreach (var unit in byUnit)
        {
            foreach ((int layer, _) in unit)
            {
                groups.Union(unit.First().Layer, layer);
            }
        }

        var inputs = _layers.SelectMany((layer, l) => _tracer.Sources[l].Select((sources, i) => (Layer: layer, Input: i, Sources: sources)))
            .Where(i => i.Sources.Length > 0).ToLookup(i => _units.Find(Node(i.Sources[0].Layer, i.Sources[0].Channel)));
        Dictionary<int, string> unitStays = _stays.GroupBy(s => _units.Find(s.Key)).ToDictionary(g => g.Key, g => g.First().Value);
        return [.. byUnit.GroupBy(unit => groups.Find(unit.First().Layer)).Select(group =>
        {
            int[] members = [.. group.SelectMany(u => u).Select(p => p.Layer).Distinct().Order()];
            string? because = members.Select(m => _tracer.WholeBecause(m)).FirstOrDefault(b => b is not null)
                ?? (group.Select(u => unitStays.GetValueOrDefault(u.Key)).FirstOrDefault(b => b is not null) is { } stays
                    ? members.Select(m => _tracer.Suspicion(m)).FirstOrDefault(s => s is not null) ?? stays : null)
                ?? members.Select(m => _refused.GetValueOrDefault(m)).FirstOrDefault(b => b is not null)
                ?? (group.Count() == 1 && members.Any(m => _layers[m].Outputs > 1) ? "all their channels hang together" : null);
            ChannelUnit[] units = [.. group.Select(Unit)];
            return new ChannelGroup([.. members.Select(m => _layers[m].Name)], units, because)
            {
                Renormalized = [.. units.SelectMany(u => u.Norms).Select(n => n.Layer).Distinct().Where(n => _layers[_indices[n]].IsOverChannels)],
            };
        })];

        ChannelUnit Unit(IGrouping<int, (int Layer, int Channel)> unit) => new(
            [.. unit.Select(p => (_layers[p.Layer].Name, p.Channel))],
            [.. inputs[unit.Key].Where(i => i.Layer.IsNorm).Select(i => (i.Layer.Name, i.Input))],
            [.. inputs[unit.Key].Where(i => !i.Layer.IsNorm).Select(i => (i.Layer.Name, i.Input))]);
    }

    private int Node(int layer, int channel) => _first[layer] + channel;
}
