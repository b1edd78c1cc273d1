using System.Numerics;

namespace Workbook;

/// <summary>
/// What constants do not show: factors that are the same everywhere have no part in a softmax, or in a difference of the same layer's answers. Here the
/// weights are random and the input too. Units are put to zero, those whose code has a bit and those whose code lacks it, for every bit: an input that one
/// of them feeds is zero in one of each two passes, and a channel that is only multiplied with one (a query with its key) makes no difference then.
/// </summary>
internal static class DeadProbe
{
    // What one input leaves dead behind a ReLU shows with another.
    private const int Draws = 8;

    /// <summary>
    /// Queries, keys and values are cut alike, so that their heads stay equal in number and size: what is multiplied fits before and after. The values are
    /// those without which queries make no difference, though they do not feed them.
    /// </summary>
    private static void JoinHeads(
        ChannelCoupling coupling, ChannelGroup group, ChannelTrials trials, IReadOnlyList<ChannelLayer> layers, ChannelTracer tracer)
    {
        int width = group.Units.Count(u => u.Outputs.Count > 1);
        ChannelLayer[] own = [.. layers.Where(l => group.Layers.Contains(l.Name))];
        ChannelLayer[] all = own.Any(l => l.Outputs > width) ? own : [.. own, .. Values().SelectMany(v => layers.Where(l => v.Layers.Contains(l.Name)))];
        coupling.Products.UnionWith(all.Select(l => l.Name));
        if (width < 2 || all.Any(l => l.Outputs % width != 0) || all.Sum(l => l.Outputs) < 3 * width)
        {
            // Cut apart they would not fit, and libtorch ends the process where matrices don't.
            Array.ForEach(all, l => coupling.Refuse(l.Name, "they are multiplied with each other, and which with which does not show"));
            return;
        }

        for (int c = 0; c < width; c++)
        {
            coupling.Join(all.Where(l => l.Outputs % width == 0)
                .SelectMany(l => Enumerable.Range(0, l.Outputs / width).Select(k => (l.Name, c + (k * width)))));
        }

        // What everything passes behind the attention is like them, but for that values make no difference without it either.
        IEnumerable<ChannelGroup> Values()
        {
            ChannelGroup[] like = [.. LikeValues()];
            return like.OrderBy(g => like.Count(v => v != g && trials.Dead([.. g.Units], [.. layers.Where(l => v.Layers.Contains(l.Name))])
                .All(d => d is null))).ThenBy(Distance).Take(1);
        }

        IEnumerable<ChannelGroup> LikeValues() => coupling.Groups().Where(g => g != group
            && g.Layers.Any(l => layers.Any(x => x.Name == l && x.Outputs == width))
            && !g.Layers.Any(Feeds) && trials.Dead([.. g.Units], own).All(d => d is null) && trials.Dead([.. group.Units],
                [.. layers.Where(l => g.Layers.Contains(l.Name))]).Any(d => d is not null));

        bool Feeds(string name) => Enumerable.Range(0, layers.Count).Any(l => group.Layers.Contains(layers[l].Name)
            && tracer.Sources[l].Any(i => i.Any(s => layers[s.Layer].Name == name)));

        int Distance(ChannelGroup values) => Math.Abs(Place(values) - Place(group));

        int Place(ChannelGroup g) => Enumerable.Range(0, layers.Count).First(l => layers[l].Name == g.Layers[0]);
    }

    /// <summary>The coupling of a model, with what the trials' model shows of what the tracer has not seen.</summary>
    internal static ChannelCoupling Coupling(ChannelTracer tracer, ChannelTrials trials, IReadOnlyList<ChannelLayer> layers)
    {
        ChannelCoupling coupling = new(layers, tracer);
        int[] blind = tracer.Blind;
        if (blind.Length == 0)
        {
            return coupling;
        }

        // What has no part in the output at all, has none without some units either.
        blind = [.. blind.Zip(trials.Dead([], [.. blind.Select(l => layers[l])], Draws)).Where(x => x.Second is not null).Select(x => x.First)];
        if (blind.Length == 0)
        {
            return coupling;
        }

        Array.ForEach(blind, tracer.Saw);
        ChannelLayer[] watched = [.. blind.Select(l => layers[l])];

        ChannelGroup[] groups = [.. new ChannelCoupling(layers, tracer).Groups()
            .Where(g => g.Units.Count > 1 && !g.Layers.Any(l => tracer.IsOutput(Index(l))))];
        ChannelUnit[] units = [.. groups.SelectMany(g => g.Units)];
        Dictionary<(string, int), int> numbers = units.SelectMany((u, n) => u.Outputs.Select(o => (o, n))).ToDictionary(x => x.o, x => x.n);
        bool[][] codes = Codes(groups);
        Dictionary<string, int> byCode = codes.Select((code, n) => (Key: Text(code), n)).GroupBy(c => c.Key).Where(c => c.Count() == 1)
            .ToDictionary(c => c.Key, c => c.First().n);
        var answers = Enumerable.Range(0, codes.FirstOrDefault()?.Length ?? 0).Select(bit => Enumerable.Range(0, 2)
            .Select(value => trials.Dead([.. units.Where((_, n) => codes[n][bit] == (value == 1))], watched, Draws)).ToArray()).ToArray();
        for (int b = 0; b < blind.Length; b++)
        {
            int l = blind[b];
            for (int i = 0; i < layers[l].Inputs; i++)
            {
                if (tracer.IsBlind(l, i) && Number(b, -1, a => a?.Inputs[i] ?? true) is { } unit)
                {
                    tracer.Sources[l][i] = [.. units[unit].Outputs.Select(o => (Index(o.Layer), o.Channel))];
                }
            }
        }

        coupling = new(layers, tracer);
        HashSet<string> factors = [];
        Dictionary<(string, string), int> alike = [];
        for (int b = 0; b < blind.Length; b++)
        {
            ChannelLayer layer = watched[b];
            for (int c = 0; c < layer.Outputs && layer.IsProducer; c++)
            {
                int own = numbers.GetValueOrDefault((layer.Name, c), -1);
                if (own >= 0 && Number(b, own, a => a?.Outputs[c] ?? true) is { } partner && partner != own)
                {
                    coupling.Join([(layer.Name, c), units[partner].Outputs[0]]);
                    foreach (string other in units[partner].Outputs.Where(o => o.Channel == c && o.Layer != layer.Name).Select(o => o.Layer))
                    {
                        alike[(layer.Name, other)] = alike.GetValueOrDefault((layer.Name, other)) + 1;
                    }

                    factors.UnionWith([layer.Name, .. units[partner].Outputs.Select(o => o.Layer)]);
                }
            }
        }

        // A few channels may not show; most do.
        foreach (((string one, string other), int count) in alike)
        {
            int width = layers[Index(one)].Outputs;
            for (int c = 0; c < width && count > width / 2 && layers[Index(other)].Outputs == width; c++)
            {
                coupling.Join([(one, c), (other, c)]);
            }
        }

        foreach (ChannelGroup group in coupling.Groups().Where(g => g.Layers.Any(factors.Contains)).ToArray())
        {
            JoinHeads(coupling, group, trials, layers, tracer);
        }

        return coupling;

        int Index(string name) => Array.FindIndex([.. layers], x => x.Name == name);

        // Where both of a pair are dead, one is for the channel itself: the other's code has the other bit.
        int? Number(int place, int own, Func<(bool[] Inputs, bool[] Outputs)?, bool> dead)
        {
            bool?[] code = [.. answers.Select((pair, bit) => (dead(pair[0][place]), dead(pair[1][place])) switch
            {
                (true, false) => (bool?)false,
                (false, true) => true,
                (true, true) when own >= 0 => !codes[own][bit],
                _ => null,
            })];
            return code.Contains(null) ? null : byCode.TryGetValue(Text([.. code.Select(c => c!.Value)]), out int number) ? number : null;
        }
    }

    private static string Text(bool[] code) => string.Concat(code.Select(c => c ? '1' : '0'));

    /// <summary>A code for each unit, of which every bit divides every group in halves.</summary>
    private static bool[][] Codes(ChannelGroup[] groups)
    {
        int bits = (2 * BitOperations.Log2((uint)Math.Max(1, groups.Sum(g => g.Units.Count)))) + 6;
        Random random = new(1);
        return [.. groups.SelectMany(group =>
        {
            bool[][] columns = [.. Enumerable.Range(0, bits).Select(_ =>
            {
                bool[] half = [.. group.Units.Select((_, i) => i % 2 == 0)];
                random.Shuffle(half);
                return half;
            })];
            return group.Units.Select((_, u) => columns.Select(c => c[u]).ToArray());
        })];
    }
}
