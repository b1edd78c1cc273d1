using System.Numerics;

namespace Workbook;

/// <summary>Which channels reach which input, found by probing; a channel is a pair of layer and index.</summary>
internal sealed class ChannelTracer
{
    private readonly ChannelProbe _probe;
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly int[] _producers;
    private readonly ChannelProbe.Change[] _changes;
    private readonly string?[] _whole;

    internal ChannelTracer(ChannelProbe probe, IReadOnlyList<ChannelLayer> layers)
    {
        (_probe, _layers) = (probe, layers);
        _whole = new string?[layers.Count];
        _producers = [.. Enumerable.Range(0, layers.Count).Where(l => !layers[l].IsNorm)];
        _changes = [.. Enumerable.Range(0, layers.Count).Select(l => layers[l].IsNorm ? null! : probe.Raise(p => p == l ? All(l) : []))];
        RefuseCycles();
        Sources = Decode();
        Zero = probe.StaysAtZero();
    }

    /// <summary>Layer → input → the channels that reach it.</summary>
    internal (int Layer, int Channel)[][][] Sources { get; }

    /// <summary>Layer → input → whether something reaches it although all channels are 0.</summary>
    internal bool[][] Zero { get; }

    /// <summary>Why a layer keeps all its channels; null where it need not.</summary>
    internal string? WholeBecause(int layer) => _whole[layer] ?? (_changes[layer] is { Output: true } ? "its channels are the model's output" : null);

    private IEnumerable<long> All(int layer) => Enumerable.Range(0, _layers[layer].Outputs).Select(c => (long)c);

    private (int, int)[][][] Decode()
    {
        int[][] together = Indices(_producers);
        Dictionary<int, int[][]> alone = [];
        return [.. _layers.Select((layer, l) => Enumerable.Range(0, layer.Inputs).Select(i => Sources(l, i)).ToArray())];

        (int, int)[] Sources(int l, int i)
        {
            int[] reaching = [.. _producers.Where(p => _changes[p].Inputs[l][i])];
            if (reaching.All(p => together[l][i] >= 0 && together[l][i] < _layers[p].Outputs))
            {
                return [.. reaching.Select(p => (p, together[l][i]))];
            }

            // Different channels of several layers meet (a concatenation, then a sum): each layer by itself, or one layer's channels mix.
            foreach (int p in reaching.Where(p => !alone.ContainsKey(p)))
            {
                alone[p] = Indices([p]);
            }

            foreach (int p in reaching.Any(p => alone[p][l][i] < 0) ? reaching : [])
            {
                _whole[p] ??= $"what leads to '{_layers[l].Name}' mixes its channels";
            }

            return [.. reaching.Select(p => (p, alone[p][l][i])).Where(source => source.Item2 >= 0)];
        }
    }

    /// <summary>
    /// For every input the one index of the channels that reach it, −1 where there are several: raises the channels whose index has a bit, and
    /// those that lack it, for every bit. Of an input that one index reaches, exactly one of the two shows, and spells it.
    /// </summary>
    private int[][] Indices(int[] producers)
    {
        int bits = BitOperations.Log2((uint)producers.Max(p => _layers[p].Outputs)) + 1;
        ChannelProbe.Change[][] answers = [.. Enumerable.Range(0, bits).Select(bit => Enumerable.Range(0, 2).Select(value =>
            _probe.Raise(p => producers.Contains(p) ? All(p).Where(c => ((c >> bit) & 1) == value) : [])).ToArray())];
        return [.. _layers.Select((layer, l) => Enumerable.Range(0, layer.Inputs).Select(i =>
            answers.All(a => a[0].Inputs[l][i] != a[1].Inputs[l][i]) ? answers.Select((a, bit) => a[1].Inputs[l][i] ? 1 << bit : 0).Sum() : -1).ToArray())];
    }

    private void RefuseCycles()
    {
        List<int> path = [];
        HashSet<int> done = [];
        foreach (int layer in _producers)
        {
            Visit(layer);
        }

        void Visit(int layer)
        {
            if (path.Contains(layer))
            {
                string cycle = string.Join(" → ", path.SkipWhile(l => l != layer).Append(layer).Select(l => $"'{_layers[l].Name}'"));
                throw new WorkbookException($"{cycle} feed each other in a cycle: a layer that is used again on what it gave can't be pruned");
            }

            if (done.Contains(layer))
            {
                return;
            }

            path.Add(layer);
            foreach (int reader in _producers.Where(r => _changes[layer].Inputs[r].Contains(true)))
            {
                Visit(reader);
            }

            path.RemoveAt(path.Count - 1);
            done.Add(layer);
        }
    }
}
