using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Which channels reach which input, found by probing; a channel is a pair of layer and index.</summary>
internal sealed class ChannelTracer
{
    /// <summary>What a step's square may add to a sum.</summary>
    private const double SumTolerance = 1e-4;

    private readonly ChannelProbe _probe;
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly bool _precise;
    private readonly (double[]?[] Inputs, bool Output)[] _changes;
    private readonly string?[] _whole;
    private readonly string?[] _suspect;
    private readonly HashSet<int> _seen = [];

    internal ChannelTracer(ChannelProbe probe, IReadOnlyList<ChannelLayer> layers, bool precise)
    {
        (_probe, _layers, _precise) = (probe, layers, precise);
        (_whole, _suspect) = (new string?[layers.Count], new string?[layers.Count]);
        Rest = probe.Rest();
        _changes = Reach(Rest, 1);
        RefuseCycles();
        Sources = Decode(Rest, _changes, 1);
        if (layers.Any(l => l.IsSlopes))
        {
            // Slopes act on what is negative.
            ChannelProbe.Reading below = probe.Rest(-1);
            (int, int)[][][] sources = Decode(below, Reach(below, -1), -1);
            foreach (int l in Enumerable.Range(0, layers.Count).Where(l => layers[l].IsSlopes && below.Inputs[l] is not null))
            {
                (Sources[l], Rest.Inputs[l]) = (sources[l], below.Inputs[l]);
            }
        }

        FindFactors();
        ChannelProbe.Reading faint = probe.Faint(_ => true);
        Zero = [.. layers.Select((_, l) => Stays(faint, l))];
    }

    /// <summary>Layer → input → the channels that reach it.</summary>
    internal (int Layer, int Channel)[][][] Sources { get; }

    /// <summary>Layer → input → whether something reaches it although all channels are 0.</summary>
    internal bool[][] Zero { get; }

    /// <summary>What every layer reads with all channels at rest; null, or not a number, where no gradient comes.</summary>
    internal ChannelProbe.Reading Rest { get; }

    /// <summary>Why a layer keeps all its channels; null where it need not.</summary>
    internal string? WholeBecause(int layer) => _whole[layer] ?? (_changes[layer].Output ? "its channels are the model's output"
        : HasPart(layer) ? null : "it has no part in the output for the example input: it runs only in training, or stands behind detach or argmax");

    /// <summary>Why a layer keeps its channels, if it turns out that it has to.</summary>
    internal string? Suspicion(int layer) => _suspect[layer];

    /// <summary>Whether moving a layer's channels moves anything.</summary>
    internal bool IsOutput(int layer) => _changes[layer].Output;

    private bool HasPart(int layer) => _seen.Contains(layer) || !_layers[layer].IsProducer || _changes[layer].Output || _changes[layer].Inputs
        .Any(i => i is not null && i.Any(c => c != 0));

    /// <summary>The layers of which some inputs, or whose channels, show nothing.</summary>
    internal int[] Blind => [.. Enumerable.Range(0, _layers.Count).Where(l => !HasPart(l) || Enumerable.Range(0, _layers[l].Inputs).Any(i => IsBlind(l, i)))];

    /// <summary>Whether nothing is known of an input.</summary>
    internal bool IsBlind(int layer, int input) => Sources[layer][input].Length == 0
        && (Rest.Inputs[layer] is not { } rest || !double.IsFinite(rest[input]) || Math.Abs(rest[input]) < 1e-12);

    /// <summary>Something else has shown that a layer's channels have a part in the output.</summary>
    internal void Saw(int layer) => _seen.Add(layer);

    private IEnumerable<int> Producers => Enumerable.Range(0, _layers.Count).Where(l => _layers[l].IsProducer);

    private static bool Reaches((double[]?[] Inputs, bool Output) change, int layer) => change.Inputs is not null
        && change.Inputs[layer] is { } inputs && inputs.Any(c => c != 0);

    /// <summary>
    /// What moves with each producer. Inputs that one producer feeds show which: each moves by another factor in each of some passes. Producers that feed
    /// only such inputs need no pass of their own; that they feed no others shows for many at once.
    /// </summary>
    private (double[]?[] Inputs, bool Output)[] Reach(ChannelProbe.Reading rest, double scale)
    {
        (double[]?[] Inputs, bool Output) Moved(Func<int, double> factor, Func<int, bool>? read = null) =>
            _probe.Move(rest, p => !_layers[p].IsProducer || factor(p) == 0 ? null
                : [.. _probe.Codes.Signs(_layers[p].Outputs).Select(s => s * factor(p))], scale, read);
        // Codes add up to nothing: those of all layers but one would pass for that one's, hence the spare ones.
        int width = _layers.Count + CodeBook.Spare;
        double[][] factors = _probe.Codes.Of(width);
        (double[]?[] Inputs, bool Output)[] passes = [.. factors.Select(f => Moved(p => f[p]))];
        var reached = _layers.Select(_ => (Inputs: new double[]?[_layers.Count], Output: false)).ToArray();
        bool[][] open = [.. _layers.Select(l => new bool[l.Inputs])];
        HashSet<int> feeding = [];
        for (int l = 0; l < _layers.Count; l++)
        {
            int[] moved = [.. Enumerable.Range(0, _layers[l].Inputs).Where(i => passes.Any(p => p.Inputs[l] is { } inputs && inputs[i] != 0))];
            int[] producers = _probe.Codes.Sources([.. moved.Select(i => passes.Select(p => p.Inputs[l]?[i] ?? 0).ToArray())], width, _precise);
            foreach ((int i, int p) in moved.Zip(producers))
            {
                open[l][i] = p < 0 || p >= _layers.Count || _layers[l].IsSlopes || !_layers[p].IsProducer;
                if (!open[l][i])
                {
                    (reached[p].Inputs[l] ??= new double[_layers[l].Inputs])[i] = 1;
                    _ = !_layers[l].IsNorm && feeding.Add(p);
                }
            }
        }

        Sums(rest, scale, reached, open, feeding);
        List<int[]> pools = [[.. Producers.Where(feeding.Contains)], .. Producers.Where(p => !feeding.Contains(p)).Select(p => new[] { p })];
        while (pools.Count > 0)
        {
            int[] pool = pools[^1];
            pools.RemoveAt(pools.Count - 1);
            var change = pool.Length == 0 ? default : Moved(p => pool.Contains(p) ? 1 : 0, l => open[l].Contains(true));
            if (pool.Length == 0 || !(change.Output || change.Inputs.Zip(open)
                .Any(x => x.First is { } c && c.Zip(x.Second).Any(y => y.First != 0 && y.Second))))
            {
                continue;
            }

            if (pool.Length > 1)
            {
                pools.AddRange([pool[..(pool.Length / 2)], pool[(pool.Length / 2)..]]);
                continue;
            }

            reached[pool[0]] = ([.. change.Inputs.Zip(reached[pool[0]].Inputs, (now, known) => now ?? known)], change.Output);
        }

        return reached;
    }

    /// <summary>
    /// Layers of which every input is a sum of the same channel of several producers (what reads a residual stream): with each channel moved in a way of its
    /// own, one pass shows all producers, since there are more channels than producers. Where the sum does not come out, they stay open.
    /// </summary>
    private void Sums(ChannelProbe.Reading rest, double scale, (double[]?[] Inputs, bool Output)[] reached, bool[][] open, HashSet<int> feeding)
    {
        int[] summed = [.. Enumerable.Range(0, _layers.Count).Where(l => open[l].Length > 0 && open[l].All(o => o) && !_layers[l].IsSlopes)];
        if (!_precise || summed.Length < 2)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        Dictionary<int, double[]> moves = Producers.ToDictionary(p => p, p => CodeBook.Own(p, _layers[p].Outputs));
        double[]?[] moved = _probe.Move(rest, moves.GetValueOrDefault, scale, summed.Contains).Inputs;
        foreach (int l in summed)
        {
            int width = _layers[l].Inputs;
            int[] producers = [.. moves.Keys.Where(p => _layers[p].Outputs == width)];
            if (moved[l] is not { } inputs || producers.Length == 0 || 2 * producers.Length > width)
            {
                continue;
            }

            Tensor directions = tensor(producers.SelectMany(p => moves[p]).ToArray()).reshape(producers.Length, width).t(), seen = tensor(inputs).unsqueeze(1);
            Tensor factors = linalg.lstsq(directions, seen).Solution;
            double[] sizes = LayerReading.Values(factors.abs());
            double most = sizes.Max(), off = (directions.mm(factors) - seen).norm().Value() / seen.norm().Value();
            if (!(off < SumTolerance) || sizes.Any(s => s > SumTolerance * most && s < 100 * SumTolerance * most))
            {
                continue;
            }

            Array.Fill(open[l], false);
            foreach ((int p, _) in producers.Zip(sizes).Where(x => x.Second > SumTolerance * most))
            {
                reached[p].Inputs[l] = [.. Enumerable.Repeat(1.0, width)];
                _ = !_layers[l].IsNorm && feeding.Add(p);
            }
        }
    }

    private (int, int)[][][] Decode(ChannelProbe.Reading rest, (double[]?[] Inputs, bool Output)[] changes, double scale)
    {
        double[]?[][] together = Directions(rest, _ => true, scale);
        Dictionary<int, double[]?[][]> alone = [];
        return [.. _layers.Select((layer, l) => SourcesOf(l))];

        (int, int)[][] SourcesOf(int l)
        {
            int[][] reaching = Reaching(l);
            (int, int)[][] sources = [.. reaching.Select(_ => Array.Empty<(int, int)>())];
            // Inputs that channels of one width reach: one look at all of them.
            foreach (var alike in Enumerable.Range(0, sources.Length).Where(i => reaching[i].Length > 0).GroupBy(i => Width(reaching[i])))
            {
                int[] inputs = [.. alike];
                int[] indices = alike.Key < 0 || _layers[l].IsSlopes ? [.. inputs.Select(_ => -1)] : Indices(together, l, inputs, alike.Key);
                foreach ((int input, int index) in inputs.Zip(indices).Where(x => x.Second >= 0))
                {
                    sources[input] = [.. reaching[input].Select(p => (p, index))];
                }

                // Slopes see what moves behind them too. Different channels of several layers meet (a concatenation, then a sum): each layer by itself, or
                // one layer's channels mix.
                int[] open = [.. inputs.Zip(indices).Where(x => x.Second < 0).Select(x => x.First)];
                foreach (int p in open.SelectMany(i => reaching[i]).Distinct())
                {
                    alone.TryAdd(p, Directions(rest, q => q == p, scale));
                    int[] reached = [.. open.Where(i => reaching[i].Contains(p))];
                    foreach ((int input, int index) in reached.Zip(Indices(alone[p], l, reached, _layers[p].Outputs)))
                    {
                        if (index >= 0)
                        {
                            sources[input] = [.. sources[input], (p, index)];
                        }
                        else
                        {
                            _suspect[p] ??= $"what leads to '{_layers[l].Name}' mixes its channels";
                        }
                    }
                }
            }

            return sources;
        }

        int[][] Reaching(int l)
        {
            int[] some = [.. Producers.Where(p => changes[p].Inputs[l] is not null)];
            return [.. Enumerable.Range(0, _layers[l].Inputs).Select(i => some.Where(p => changes[p].Inputs[l]![i] != 0).ToArray())];
        }

        int Width(int[] producers) => producers.Select(p => _layers[p].Outputs).Distinct().Count() == 1 ? _layers[producers[0]].Outputs : -1;
    }

    private int[] Indices(double[]?[][] moves, int layer, int[] inputs, int width) => _probe.Codes.Sources(
        [.. inputs.Select(i => moves.Select(m => m[layer]?[i] ?? 0).ToArray())], width, _precise);

    /// <summary>What moves along the codes of some producers: pass → layer → input.</summary>
    private double[]?[][] Directions(ChannelProbe.Reading rest, Func<int, bool> producers, double scale) => [.. Enumerable.Range(0, CodeBook.Passes)
        .Select(pass => _probe.Move(rest, p => _layers[p].IsProducer && producers(p) ? _probe.Codes.Of(_layers[p].Outputs)[pass] : null, scale).Inputs)];

    private bool[] Stays(ChannelProbe.Reading faint, int layer) => faint.Inputs[layer] is { } now && Rest.Inputs[layer] is { } rest
        ? [.. now.Zip(rest, (n, r) => Math.Abs(n) > (1e-5 * Math.Abs(r)) + 1e-9 && !_layers[layer].IsSlopes)] : new bool[_layers[layer].Inputs];

    /// <summary>
    /// A channel that scales several of another layer (a gate, attention over positions) does not go with them: they are 0 without it. It is one that
    /// reaches many inputs, each with another channel, which are 0 though it is not.
    /// </summary>
    private void FindFactors()
    {
        HashSet<int>[] feeds = [.. Sources.Select(inputs => inputs.SelectMany(i => i).Select(s => s.Layer).ToHashSet())];
        foreach (int factor in Producers)
        {
            foreach (int l in Enumerable.Range(0, _layers.Count).Where(l => feeds[l].Contains(factor)))
            {
                int[] reached = [.. Enumerable.Range(0, _layers[l].Inputs).Where(i => Sources[l][i].Any(s => s.Layer == factor))];
                bool joins = reached.GroupBy(i => Sources[l][i].First(s => s.Layer == factor).Channel).Any(one =>
                    one.SelectMany(i => Sources[l][i]).Where(s => s.Layer != factor).Distinct().GroupBy(s => s.Layer).Any(others => others.Count() > 1));
                if (joins && Stays(_probe.Faint(p => p != factor), l) is var stays && reached.All(i => !stays[i]))
                {
                    foreach (int i in reached)
                    {
                        Sources[l][i] = [.. Sources[l][i].Where(s => s.Layer != factor)];
                    }

                    _whole[factor] ??= $"each of its channels scales several that '{_layers[l].Name}' reads";
                }
            }
        }
    }

    private void RefuseCycles()
    {
        List<int> path = [];
        HashSet<int> done = [];
        foreach (int layer in Producers)
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

            if (!done.Contains(layer))
            {
                path.Add(layer);
                foreach (int reader in Producers.Where(r => Reaches(_changes[layer], r)))
                {
                    Visit(reader);
                }

                path.RemoveAt(path.Count - 1);
                done.Add(layer);
            }
        }
    }
}
