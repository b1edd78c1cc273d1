using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Removes units from a working copy of a model and holds its answers against those with zeros in their place, for inputs of several scales.
/// With weights of the trial's own: those of the model may be such that a fault does not show.
/// </summary>
internal sealed class ChannelTrials
{
    private const double Brightest = 255;

    private readonly WorkingCopy _copy;
    private readonly ChannelForward _forward;
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly bool _precise;
    private readonly Dictionary<Tensor, Tensor> _contents = new(ReferenceEqualityComparer.Instance);
    private readonly double[] _scales;

    /// <param name="copy">Of the model, in evaluation mode.</param>
    /// <param name="forward">With examples of the copy's type.</param>
    /// <param name="layers">All layers of the model.</param>
    /// <param name="precise">Whether the copy is in float64.</param>
    /// <param name="ownWeights">Whether to try with the model's weights, as the copy has them.</param>
    internal ChannelTrials(WorkingCopy copy, ChannelForward forward, IReadOnlyList<ChannelLayer> layers, bool precise, bool ownWeights = false)
    {
        (_copy, _forward, _layers, _precise) = (copy, forward, layers, precise);
        using IDisposable noGrad = no_grad();
        double own = forward.Examples.Where(e => e.is_floating_point() && e.numel() > 0).Select(e => e.abs().max().Value()).DefaultIfEmpty(1).Max();
        own = own > 0 ? own : 1;
        _scales = forward.Examples.Any(e => e.is_floating_point()) ? [.. new[] { own, Math.Sqrt(own * Brightest), Brightest }.Distinct()] : [own];
        foreach ((ChannelLayer layer, ChannelLayer.Part part) in layers.SelectMany(l => l.Parts.Select(p => (l, p))))
        {
            if (!ownWeights)
            {
                using DisposeScope scope = NewDisposeScope();
                copy.Set(part.Tensor, Drawn(layer, part));
            }

            _contents[part.Tensor] = part.Tensor.detach().alias().DetachFromDisposeScope();
        }

        (IReadOnlyList<double[]> first, IReadOnlyList<double[]> other) = (Answers(_scales[0]), Answers(_scales[0], 5));
        if (!first.Zip(other).All(a => a.First.SequenceEqual(a.Second)))
        {
            // Random numbers in forward, of which there are fewer without a channel: against large values they do not count.
            IsNoisy = true;
            _scales = [1e9];
            Louden();
        }
    }

    /// <summary>Whether the answers depend on random numbers.</summary>
    internal bool IsNoisy { get; }

    /// <summary>Tries to remove units.</summary>
    /// <returns>What is wrong; null if nothing is.</returns>
    /// <param name="gone">The units.</param>
    /// <param name="manyScales">Whether for inputs of all scales; whether the sizes fit shows with one.</param>
    internal string? Fault(IReadOnlyCollection<ChannelUnit> gone, bool manyScales = true)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Zero(gone);
        return Compare(gone, manyScales ? _scales : _scales[..1]);
    }

    /// <summary>
    /// Tries to remove units over which a norm is taken: with channels alike in pairs its mean and deviation are the same without one of each pair,
    /// and so are the answers, where nothing reads it.
    /// </summary>
    internal string? FaultOfPairs(ChannelGroup group)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        ChannelUnit[] units = [.. group.Units];
        int alike = Enumerable.Range(2, units.Length - 1).First(q => units.Length % q == 0);
        new Random(1).Shuffle(units);
        ChannelUnit[] stay = units[..(units.Length / alike)], gone = units[(units.Length / alike)..];
        foreach ((ChannelLayer layer, HashSet<int> outputs, HashSet<int> inputs) in Touched(_layers, gone))
        {
            (long To, long From)[] rows = [.. gone.SelectMany((u, i) => Of(u, layer)
                .Zip(Of(stay[i % stay.Length], layer), (to, from) => ((long)to, (long)from)))];
            foreach (ChannelLayer.Part part in layer.Parts)
            {
                Tensor contents = Zeroed(part, [], inputs);
                _copy.Set(part.Tensor, part.Out < 0 || rows.Length == 0 ? contents : contents.index_copy(part.Out, tensor(rows.Select(r => r.To).ToArray()),
                    contents.index_select(part.Out, tensor(rows.Select(r => r.From).ToArray()))));
            }
        }

        return Compare(gone, _scales);

        static IEnumerable<int> Of(ChannelUnit unit, ChannelLayer layer) =>
            (layer.IsNorm ? unit.Norms : unit.Outputs).Where(o => o.Layer == layer.Name).Select(o => o.Channel);
    }

    /// <summary>The layers that lose something, and what.</summary>
    internal static IEnumerable<(ChannelLayer Layer, HashSet<int> Outputs, HashSet<int> Inputs)> Touched(
        IEnumerable<ChannelLayer> layers, IEnumerable<ChannelUnit> gone)
    {
        ILookup<string, int> outputs = gone.SelectMany(u => u.Outputs.Concat(u.Norms)).ToLookup(o => o.Layer, o => o.Channel);
        ILookup<string, int> inputs = gone.SelectMany(u => u.Inputs.Concat(u.Norms)).ToLookup(o => o.Layer, o => o.Item2);
        return layers.Select(l => (l, outputs[l.Name].ToHashSet(), inputs[l.Name].ToHashSet())).Where(l => l.Item2.Count + l.Item3.Count > 0);
    }

    /// <summary>What a tensor of a layer keeps.</summary>
    internal static Tensor Cut(ChannelLayer layer, ChannelLayer.Part part, HashSet<int> outputs, HashSet<int> inputs) => ChannelLayer.Cut(part,
        tensor(Enumerable.Range(0, layer.Outputs).Where(c => !outputs.Contains(c)).Select(c => (long)c).ToArray()),
        [.. Enumerable.Range(0, layer.Inputs).Where(i => !inputs.Contains(i))]);

    /// <summary>Writes the widths that are left.</summary>
    internal static void Narrow(ChannelLayer layer, HashSet<int> outputs, HashSet<int> inputs) => layer.SetWidths(layer.Inputs - inputs.Count,
        layer.Outputs - outputs.Count, layer.IsBilinear ? layer.Parts[0].In[1] is var second
            ? second.Count - inputs.Count(i => i >= second.Offset) : 0 : -1);

    private string? Compare(IReadOnlyCollection<ChannelUnit> gone, double[] scales)
    {
        List<(ChannelLayer Layer, HashSet<int> Outputs, HashSet<int> Inputs)> touched = [.. Touched(_layers, gone)];
        (Tensor Tensor, Tensor Zeroed)[] zeroed = [.. touched.SelectMany(t => t.Layer.Parts).Select(p => (p.Tensor, p.Tensor.detach().alias()))];
        try
        {
            foreach ((ChannelLayer layer, HashSet<int> outputs, HashSet<int> inputs) in touched)
            {
                foreach (ChannelLayer.Part part in layer.Parts)
                {
                    _copy.Set(part.Tensor, Cut(layer, part, outputs, inputs));
                }

                Narrow(layer, outputs, inputs);
            }

            Tensor[][] smaller = [.. scales.Select(Outputs)];
            foreach ((Tensor tensor, Tensor contents) in zeroed)
            {
                _copy.Set(tensor, contents);
            }

            touched.ForEach(t => t.Layer.SetWidths(t.Layer.Inputs, t.Layer.Outputs));
            for (int s = 0; s < scales.Length; s++)
            {
                Tensor[] full = Outputs(scales[s]);
                if (smaller[s].Length != full.Length || !full.Zip(smaller[s]).All(p => Alike(p.First, p.Second)))
                {
                    return "without some the model computes something else than with zeros in their place"
                        + (s > 0 ? FormattableString.Invariant($", for inputs of up to {scales[s]:G3}") : "");
                }
            }

            return null;
        }
        catch (ForwardFault fault)
        {
            return $"without some the model does not run: its forward counts on their number ({fault.Message})";
        }
        finally
        {
            touched.ForEach(t => t.Layer.SetWidths(t.Layer.Inputs, t.Layer.Outputs));
            Restore(touched.Select(t => t.Layer));
        }
    }

    private void Restore(IEnumerable<ChannelLayer> layers)
    {
        foreach (ChannelLayer.Part part in layers.SelectMany(l => l.Parts))
        {
            _copy.Set(part.Tensor, _contents[part.Tensor]);
        }
    }

    private void Zero(IReadOnlyCollection<ChannelUnit> gone)
    {
        foreach ((ChannelLayer layer, HashSet<int> outputs, HashSet<int> inputs) in Touched(_layers, gone))
        {
            foreach (ChannelLayer.Part part in layer.Parts.Where(p => p.Name is not null))
            {
                _copy.Set(part.Tensor, Zeroed(part, outputs, inputs));
            }
        }
    }

    /// <summary>Which inputs and which channels of layers have no gradient with zeros in place of some units.</summary>
    /// <param name="zero">The units.</param>
    /// <param name="watched">The layers.</param>
    /// <param name="draws">How many inputs are tried.</param>
    /// <param name="inputs">Whether to look at the layers' inputs.</param>
    /// <returns>Layer → whether each input is 0, and whether each channel makes no difference; null where no gradient comes at all.</returns>
    internal IReadOnlyList<(bool[] Inputs, bool[] Outputs)?> Dead(
        IReadOnlyCollection<ChannelUnit> zero, IReadOnlyList<ChannelLayer> watched, int draws = 1, bool inputs = true)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable grad = enable_grad();
        Zero(zero);
        try
        {
            foreach (ChannelLayer layer in watched)
            {
                _copy.Set(layer.Weight, layer.Weight, gradient: true);
            }

            Tensor?[] gradients = new Tensor?[watched.Count];
            for (int draw = 0; draw < draws; draw++)
            {
                Tensor[] answers = _forward.Run(Inputs(_scales[0], draw));
                using Generator generator = RandomStream.Of(draw, "dead");
                Tensor loss = answers.Select(a => a.mul(randn(a.shape, a.dtype, generator: generator)).sum()).Aggregate(HeldNumbers.Plus);
                Tensor?[] drawn = loss.requires_grad ? [.. autograd.grad([loss], [.. watched.Select(w => w.Weight)], allow_unused: true)] : gradients;
                gradients = [.. drawn.Zip(gradients, (d, g) =>
                    d is null || d.IsInvalid ? g : draws == 1 ? d : g is null ? d.abs() : g.add_(d.abs(), HeldNumbers.One))];
            }

            return [.. watched.Zip(gradients, (layer, g) =>
            {
                bool[]? outputs = layer.IsBare || g is null || g.IsInvalid ? null
                    : Zeros(g, layer.Parts.First(p => ReferenceEquals(p.Tensor, layer.Weight)).Out);
                return outputs?.Contains(false) == true ? (inputs ? Columns(layer, g!) : [], outputs) : ((bool[], bool[])?)null;
            })];
        }
        finally
        {
            Restore(_layers);
        }

        static bool[] Columns(ChannelLayer layer, Tensor gradient) => layer.IsNorm ? Zeros(gradient, layer.Parts[0].Out) : layer.Groups > 1 ? Zeros(gradient, 0)
            : [.. layer.Parts[0].In.SelectMany(i => Zeros(gradient, i.Dim))];

        static bool[] Zeros(Tensor gradient, int dim) =>
            [.. gradient.transpose(dim, 0).reshape(gradient.shape[dim], -1).ne(HeldNumbers.Zero).any(1).logical_not().data<bool>()];
    }

    private bool Alike(Tensor zeroed, Tensor smaller)
    {
        if (!zeroed.shape.SequenceEqual(smaller.shape))
        {
            return false;
        }

        double size = zeroed.abs().nan_to_num(0, 0, 0).max().Value();
        (double relative, double absolute) = IsNoisy ? (1e-5, 1e-6) : _precise ? (1e-6, 1e-8) : (1e-4, 1e-4);
        return smaller.allclose(zeroed, rtol: relative, atol: absolute * size, equal_nan: true);
    }

    private Tensor[] Outputs(double scale) => _forward.Run(Inputs(scale));

    private IReadOnlyList<double[]> Answers(double scale, int seed = 4) => [.. _forward.Run(Inputs(scale), seed).Select(LayerReading.Values)];

    /// <summary>Of both signs at the example's own scale, of one (pixels) at the largest.</summary>
    private Tensor[] Inputs(double scale, int draw = 0)
    {
        using Generator generator = RandomStream.Of(draw, "trial");
        return [.. _forward.Examples.Select(e => !e.is_floating_point() ? e
            : scale == Brightest ? rand(e.shape, e.dtype, generator: generator).Times(scale) : randn(e.shape, e.dtype, generator: generator).Times(scale))];
    }

    private void Louden()
    {
        foreach ((ChannelLayer layer, ChannelLayer.Part part) in _layers.SelectMany(l => l.Parts.Select(p => (l, p))))
        {
            if (part.Name is not null && !ReferenceEquals(part.Tensor, layer.Weight))
            {
                using DisposeScope scope = NewDisposeScope();
                _copy.Set(part.Tensor, part.Tensor.Times(_scales[0]));
                _contents[part.Tensor] = part.Tensor.detach().alias().DetachFromDisposeScope();
            }
        }
    }

    /// <summary>A tensor of a layer with zeros where something is lost.</summary>
    internal static Tensor Zeroed(ChannelLayer.Part part, HashSet<int> outputs, HashSet<int> inputs)
    {
        Tensor kept = part.Tensor.detach().clone();
        if (part.Out >= 0 && outputs.Count > 0)
        {
            kept.index_fill_(part.Out, tensor(outputs.Select(o => (long)o).ToArray()), HeldNumbers.Zero);
        }

        foreach ((int dim, int offset, int count) in part.In)
        {
            long[] here = [.. inputs.Where(i => i >= offset && i < offset + count).Select(i => (long)i - offset)];
            if (here.Length > 0)
            {
                kept.index_fill_(dim, tensor(here), HeldNumbers.Zero);
            }
        }

        return kept;
    }

    /// <summary>Weights of He et al. (2015), which carry differences through all layers, small biases and norms that let values pass.</summary>
    private static Tensor Drawn(ChannelLayer layer, ChannelLayer.Part part)
    {
        if (layer.Statistics.FirstOrDefault(s => ReferenceEquals(s.Tensor, part.Tensor)) is { Tensor: not null } statistic)
        {
            return HeldNumbers.Full(part.Tensor.shape, statistic.Resting, part.Tensor.dtype);
        }

        using Generator generator = RandomStream.Of(0, "trial", layer.Name, part.Name!);
        // Uniform ones take a tenth of the time of normal ones.
        Tensor drawn = rand(part.Tensor.shape, part.Tensor.dtype, generator: generator).Plus(-0.5).Times(Math.Sqrt(12));
        return layer.IsSource ? drawn
            : !ReferenceEquals(part.Tensor, layer.Weight) ? drawn.Times(0.1)
            : layer.IsNorm ? drawn.Times(0.1).Plus(layer.IsSlopes ? 0.25 : 1)
            : drawn.Times(Math.Sqrt(2.0 * layer.Outputs / part.Tensor.numel()));
    }
}
