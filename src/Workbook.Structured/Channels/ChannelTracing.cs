using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>From a model to its groups: probe, couple, try, and join what can only go together.</summary>
internal static class ChannelTracing
{
    /// <summary>Ways to divide a layer's channels that are tried at most; heads are harder to find than halves.</summary>
    private const int MostPatterns = 12, MostPatternsOfHeads = 96;

    /// <summary>Whether a model runs on the example in a type; in its own it has to.</summary>
    internal static bool Runs(nn.Module model, ChannelForward forward, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        using WorkingCopy copy = new(model, dtype);
        using IDisposable noGrad = no_grad();
        try
        {
            forward.As(dtype).Run(forward.As(dtype).Examples);
            return true;
        }
        catch (ForwardFault)
        {
            return false;
        }
    }

    /// <summary>The groups of a model.</summary>
    /// <exception cref="WorkbookException">The model does not run, or feeds a layer with what it gave.</exception>
    internal static IReadOnlyList<ChannelGroup> Groups(nn.Module model, ChannelForward forward, IReadOnlyList<ChannelLayer> layers, ScalarType dtype)
    {
        bool precise = dtype == ScalarType.Float64;
        ChannelTracer tracer;
        using (WorkingCopy copy = new(model, dtype))
        using (DisposeScope scope = NewDisposeScope())
        {
            bool isNoisy = IsNoisy(forward);
            using ChannelProbe probe = new(copy, model, forward, layers, dtype, isNoisy);
            tracer = new ChannelTracer(probe, layers, precise);
        }

        using WorkingCopy trial = new(model, dtype);
        ChannelTrials trials = new(trial, forward, layers, precise);
        IReadOnlyList<ChannelGroup> groups = new Joints(DeadProbe.Coupling(tracer, trials, layers), trials, tracer, layers).Found();
        return NativeReaders.Named(groups, model, trial, trials, tracer, layers);
    }

    /// <summary>Runs the model as it is: whether its answers depend on random numbers.</summary>
    private static bool IsNoisy(ChannelForward forward)
    {
        try
        {
            using IDisposable noGrad = no_grad();
            double[][] once = Values(0);
            return Same(once, Values(0)) ? !Same(once, Values(1))
                : throw new WorkbookException("the model answers the same input differently, with the same random numbers too: it can't be traced");
        }
        catch (ForwardFault fault)
        {
            string shapes = string.Join(" and ", forward.Examples.Select(x => $"[{string.Join(", ", x.shape)}]"));
            throw new WorkbookException(fault.IsFit ? $"the model does not take the example input of shape {shapes}: {fault.Message}"
                : $"the model's forward throws for the example input of shape {shapes}: {fault.Message}", fault);
        }

        static bool Same(double[][] one, double[][] other) => one.Zip(other).All(a => a.First.SequenceEqual(a.Second));

        double[][] Values(int seed) => [.. forward.Run(forward.Examples, seed).Select(LayerReading.Values)];
    }

    private sealed class Joints(ChannelCoupling coupling, ChannelTrials trials, ChannelTracer tracer, IReadOnlyList<ChannelLayer> layers)
    {
        private readonly Dictionary<string, int> _indices = layers.Select((l, i) => (l.Name, i)).ToDictionary(l => l.Name, l => l.i);
        private readonly List<(int Block, int Period)> _worked = [];
        private ChannelCoupling _coupling = coupling;

        internal IReadOnlyList<ChannelGroup> Found()
        {
            IReadOnlyList<ChannelGroup> groups = _coupling.Groups();
            ChannelGroup[] open = [.. groups.Where(g => g.WholeBecause is null && g.Units.Count > 1)];
            ChannelGroup[] mixed = [.. Mixed([.. open.Where(g => g.Renormalized.Count == 0)], []), .. Mixed([.. open.Where(g => g.Renormalized.Count > 0)],
                [.. open.SelectMany(g => g.Renormalized)])];
            foreach (ChannelGroup group in mixed)
            {
                Refuse(group, "more depends on them than the inputs that read them");
            }

            open = [.. open.Except(mixed)];
            ChannelGroup[] exact = [.. open.Where(g => g.Renormalized.Count == 0)];
            // All at once: where nothing is wrong, it is in none.
            bool fine = Fault([.. exact.Select(g => g.Units[0])], manyScales: false) is null && Fault([.. exact.SelectMany(g => Half(g))]) is null
                && Fault([.. exact.SelectMany(g => Half(g, true))]) is null;
            List<(ChannelGroup Group, string Fault)> failed = [];
            foreach (ChannelGroup group in fine ? open.Except(exact) : open)
            {
                if (FaultOf(group) is { } fault)
                {
                    failed.Add((group, fault));
                }
            }

            for (int f = 0; f < failed.Count; f++)
            {
                (ChannelGroup group, string fault) = failed[f];
                string[] next = f + 1 < failed.Count && Main(failed[f + 1].Group) is var other && other.Outputs == Main(group).Outputs
                    ? [Main(group).Name, other.Name] : [];
                if (Join([Main(group).Name]))
                {
                    continue;
                }

                if (next.Length > 0 && Join(next))
                {
                    f++;
                    continue;
                }

                Refuse(group, fault);
            }

            return failed.Count + mixed.Length == 0 ? groups : _coupling.Groups();
        }

        private void Refuse(ChannelGroup group, string because)
        {
            string? suspicious = group.Layers.FirstOrDefault(l => tracer.Suspicion(_indices[l]) is not null);
            _coupling.Refuse(suspicious ?? group.Layers[0], suspicious is null ? because : tracer.Suspicion(_indices[suspicious])!);
        }

        /// <summary>
        /// The groups of which more is read than is known: with zeros in the columns that read half of their units, those still make a difference. They are
        /// not tried, since libtorch may end the process where sizes do not fit.
        /// </summary>
        private IEnumerable<ChannelGroup> Mixed(ChannelGroup[] groups, string[] norms)
        {
            groups = [.. groups.Where(g => !g.Layers.Any(_coupling.Products.Contains))];
            if (groups.Length == 0)
            {
                return [];
            }

            ChannelLayer[] watched = [.. groups.SelectMany(g => g.Layers).Distinct().Select(l => layers[_indices[l]])];
            ChannelUnit[] constant = [.. norms.Distinct().Select(n => new ChannelUnit([], [.. Enumerable.Range(0, layers[_indices[n]].Outputs)
                .Select(c => (n, c))], []))];
            return Enumerable.Range(0, 2).Select(half => half == 1).SelectMany(other =>
            {
                var dead = trials.Dead([.. groups.SelectMany(g => Half(g, other)).Select(u => new ChannelUnit([], [], u.Inputs)), .. constant], watched,
                    inputs: false);
                Dictionary<string, bool[]?> alive = watched.Zip(dead).ToDictionary(x => x.First.Name, x => x.Second?.Outputs);
                return groups.Where(g => Half(g, other).Any(u => u.Outputs.Any(o => alive[o.Layer] is { } rows && !rows[o.Channel])));
            }).Distinct();
        }

        private ChannelLayer Main(ChannelGroup group) => group.Layers.Select(l => layers[_indices[l]]).MaxBy(l => l.Outputs)!;

        private string? Fault(ChannelUnit[] gone, bool manyScales = true) => gone.Length == 0 ? null : trials.Fault(gone, manyScales);

        private string? FaultOf(ChannelGroup group) => group.Renormalized.Count > 0 ? trials.FaultOfPairs(group)
            : trials.Fault([group.Units[0]], manyScales: false) ?? trials.Fault([group.Units[group.Units.Count / 2]], manyScales: false)
            ?? trials.Fault(Half(group)) ?? trials.Fault(Half(group, true));

        /// <summary>Any half of a group's units, or the other.</summary>
        private static ChannelUnit[] Half(ChannelGroup group, bool other = false)
        {
            ChannelUnit[] units = [.. group.Units];
            new Random(group.Units.Count).Shuffle(units);
            return other ? units[(units.Length / 2)..^(units.Length % 2)] : units[..(units.Length / 2)];
        }

        /// <summary>
        /// Channels that a view, a split, a shuffle or attention's heads tie together stand at equal distances, or side by side, or both: the channels of each
        /// period whose block is the same.
        /// </summary>
        private bool Join(string[] mains)
        {
            int count = layers[_indices[mains[0]]].Outputs;
            int[] divisors = [.. Enumerable.Range(1, count).Where(d => count % d == 0)];
            var patterns = divisors.SelectMany(period => divisors.Where(block => period % block == 0 && period / block > 1).Select(block => (block, period)))
                .Where(p => mains.Length > 1 || p.block > 1 || p.period < count).OrderBy(p => _worked.Contains(p) ? 0 : 1)
                .ThenBy(p => p.block * (count / p.period)).Take(_coupling.Products.Contains(mains[0]) ? MostPatternsOfHeads : MostPatterns);
            ChannelGroup[] groups = [.. _coupling.Groups().Where(g => g.Layers.Any(mains.Contains))];
            foreach ((int block, int period) in patterns)
            {
                // One of them first: most fail, and that is quick.
                ChannelUnit[] one = [.. groups.SelectMany(g => g.Units)
                    .Where(u => u.Outputs.Any(o => mains.Contains(o.Layer) && o.Channel % period / block == 0))];
                if (trials.Fault(one) is not null)
                {
                    continue;
                }

                ChannelCoupling joined = _coupling.Copy();
                for (int k = 0; k < period / block; k++)
                {
                    joined.Join(mains.SelectMany(main => Enumerable.Range(0, count).Where(c => c % period / block == k).Select(c => (main, c))));
                }

                ChannelGroup group = joined.Groups().First(g => g.Layers.Contains(mains[0]));
                if (group.WholeBecause is null && group.Units.Count > 1 && FaultOf(group) is null)
                {
                    _worked.Add((block, period));
                    _coupling = joined;
                    return true;
                }
            }

            return false;
        }
    }
}
