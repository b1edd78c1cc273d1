using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Which channels of a model depend on each other (the idea of DepGraph: Fang et al. 2023, "DepGraph: Towards any structural pruning"), found by
/// probing with values: nothing is declared. It is that of the model as it was traced; after <see cref="Remove"/> trace again.
/// </summary>
public sealed class ChannelGraph
{
    private const int Trials = 3;

    // One that stays: TorchSharp does not hold a temporary scalar while libtorch reads it, and a collection just then frees it.
    private static readonly Scalar s_zero = 0;

    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly Tensor _example;
    private readonly Dictionary<string, ChannelLayer> _layers;

    private ChannelGraph(nn.Module<Tensor, Tensor> model, Tensor example, IReadOnlyList<ChannelLayer> layers, IReadOnlyList<ChannelGroup> groups)
    {
        (_model, _example, Groups) = (model, example, groups);
        _layers = layers.ToDictionary(l => l.Name);
    }

    /// <summary>All output channels of the linear layers and convolutions, in the model's order.</summary>
    public IReadOnlyList<ChannelGroup> Groups { get; }

    /// <summary>
    /// Traces a model of linear layers, convolutions (grouped and depthwise ones too) and batch norms, with anything without parameters between them.
    /// Takes one pass forward and backward for each layer and two for each bit of the largest number of channels. The model is put back to the bit.
    /// </summary>
    /// <param name="model">On the CPU; <c>forward</c> must not depend on values for which operations it runs.</param>
    /// <param name="exampleInput">An input as the model takes it, of which only the shape matters; the smaller, the faster.</param>
    /// <exception cref="WorkbookException">
    /// The input does not fit; a layer is of another kind with parameters, has no part in the output, shares its weights with another, or feeds itself.
    /// </exception>
    public static ChannelGraph Trace(nn.Module<Tensor, Tensor> model, Tensor exampleInput)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(exampleInput);
        ChannelLayer[] layers = [.. model.named_modules().Prepend(("", model)).DistinctBy(m => m.Item2).Select(m => ChannelLayer.Of(m.Item1, m.Item2))
            .OfType<ChannelLayer>()];
        if (layers.GroupBy(l => Address(l.Weight)).FirstOrDefault(g => g.Count() > 1) is { } shared)
        {
            throw new WorkbookException($"{string.Join(" and ", shared.Select(l => $"'{l.Name}'"))} share one weight: layers that do can't be pruned");
        }

        if (!layers.Any(l => !l.IsNorm))
        {
            throw new WorkbookException("the model has no linear layer and no convolution");
        }

        if (layers.FirstOrDefault(l => l.Weight.device_type != DeviceType.CPU) is { } elsewhere)
        {
            throw new WorkbookException($"'{elsewhere.Name}' is on {elsewhere.Weight.device_type}: a model is traced on the CPU");
        }

        using DisposeScope scope = NewDisposeScope();
        using ModelState state = new(model, layers);
        using SingleThread thread = new();
        ChannelTracer tracer = new(new ChannelProbe(model, exampleInput.detach(), layers), layers);
        return new(model, exampleInput.detach().clone().DetachFromDisposeScope(), layers, ChannelCoupling.Groups(layers, tracer));
    }

    /// <summary>
    /// Removes the channels that a mask prunes. The layers keep their places and their parameters' objects, with fewer rows and columns: the model trains,
    /// saves
    /// and loads as any other. Gradients are dropped; build optimizers anew.
    /// </summary>
    /// <param name="mask">Prunes units as wholes, as <see cref="ChannelPruner"/> does; other weights that it prunes are left alone.</param>
    /// <returns>How many units went.</returns>
    /// <exception cref="WorkbookException">
    /// The mask does not fit the model, prunes a part of a unit, a channel that has to stay or every channel of a layer, or the model computes
    /// something else without the channels; the model is as it was then.
    /// </exception>
    public int Remove(Mask mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        CheckShapes(mask);
        ChannelUnit[] gone = Gone(mask);
        if (_layers.Values.FirstOrDefault(l => !l.IsNorm && gone.Sum(u => u.Outputs.Count(o => o.Layer == l.Name)) == l.Outputs) is { } emptied)
        {
            throw new WorkbookException($"the mask prunes every channel of '{emptied.Name}': at least one has to stay");
        }

        if (gone.Length == 0)
        {
            return 0;
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SingleThread thread = new();
        using ModelState state = new(_model, [.. _layers.Values]);
        // With other weights first: those of the model may be such that a fault does not show.
        for (int trial = 0; trial < Trials; trial++)
        {
            using ModelState original = new(_model, [.. _layers.Values]);
            Randomize(trial);
            RemoveAndCompare(gone, trial);
        }

        RemoveAndCompare(gone, Trials);
        state.Commit();
        foreach (Tensor parameter in _layers.Values.SelectMany(l => l.Parameters).Select(p => p.Tensor))
        {
            parameter.grad = null;
        }

        return gone.Length;
    }

    /// <summary>The mask that keeps everything but some units: rows, biases, scale and shift of what goes, and the columns that read it.</summary>
    internal Mask MaskOf(IReadOnlyCollection<ChannelUnit> gone)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> kept = _layers.Values.SelectMany(l => l.Parameters).ToDictionary(p => p.Name, p => ones(p.Tensor.shape, ScalarType.Bool));
        foreach (ChannelLayer layer in _layers.Values)
        {
            Tensor outputs = Indices(gone.SelectMany(u => layer.IsNorm ? u.Norms : u.Outputs), layer);
            foreach ((string name, _) in layer.Parameters)
            {
                kept[name].index_fill_(0, outputs, s_zero);
            }

            if (!layer.IsNorm && layer.Groups == 1)
            {
                kept[layer.WeightName].index_fill_(1, Indices(gone.SelectMany(u => u.Inputs), layer), s_zero);
            }
        }

        return new Mask(kept);
    }

    internal ChannelLayer Layer(string name) => _layers[name];

    internal IEnumerable<ChannelLayer> Layers => _layers.Values;

    /// <exception cref="WorkbookException">The model is no longer the one that was traced.</exception>
    internal void CheckShapes(Mask? mask = null)
    {
        if (_layers.Values.FirstOrDefault(l => !l.IsCurrent) is { } changed)
        {
            throw new WorkbookException($"'{changed.Name}' is not as it was when the model was traced: trace it again");
        }

        Dictionary<string, Tensor> parameters = _layers.Values.SelectMany(l => l.Parameters).ToDictionary(p => p.Name, p => p.Tensor);
        foreach ((string name, Tensor kept) in mask ?? Enumerable.Empty<KeyValuePair<string, Tensor>>())
        {
            if (!parameters.TryGetValue(name, out Tensor? parameter))
            {
                throw new WorkbookException($"the model has no parameter '{name}', which the mask names; it has {string.Join(", ", parameters.Keys)}");
            }

            if (!parameter.shape.SequenceEqual(kept.shape))
            {
                throw new WorkbookException($"the mask of '{name}' has shape [{string.Join(", ", kept.shape)}], the parameter "
                    + $"[{string.Join(", ", parameter.shape)}]");
            }
        }
    }

    /// <summary>One line a group.</summary>
    public override string ToString() => string.Join('\n', Groups);

    private ChannelUnit[] Gone(Mask mask)
    {
        // A channel is pruned if nothing of its row, its bias, its scale and its shift is kept.
        Dictionary<string, bool[]> pruned = [], rows = [];
        foreach (ChannelLayer layer in _layers.Values)
        {
            using DisposeScope scope = NewDisposeScope();
            bool[][] parameters = [.. layer.Parameters.Select(p => mask.TryGetValue(p.Name, out Tensor? kept)
                ? kept.reshape(layer.Outputs, -1).any(1).logical_not().data<bool>().ToArray() : new bool[layer.Outputs])];
            rows[layer.Name] = parameters[0];
            pruned[layer.Name] = [.. Enumerable.Range(0, layer.Outputs).Select(c => parameters.All(p => p[c]))];
        }

        List<ChannelUnit> gone = [];
        foreach (ChannelGroup group in Groups)
        {
            foreach (ChannelUnit unit in group.Units)
            {
                (string Layer, int Channel)[] all = [.. unit.Outputs, .. unit.Norms];
                if (all.All(a => pruned[a.Layer][a.Channel]))
                {
                    gone.Add(group.WholeBecause is null ? unit
                        : throw new WorkbookException(
                            $"the mask prunes channel {all[0].Channel} of '{all[0].Layer}', which has to stay: {group.WholeBecause}"));
                }
                else if (unit.Outputs.Any(o => rows[o.Layer][o.Channel]))
                {
                    (string layer, int channel) = unit.Outputs.First(o => rows[o.Layer][o.Channel]);
                    (string other, int otherChannel) = all.First(a => !pruned[a.Layer][a.Channel]);
                    throw new WorkbookException($"the mask prunes channel {channel} of '{layer}' but keeps something of channel {otherChannel} of "
                        + $"'{other}', which goes with it (its weights, bias or scale)");
                }
            }
        }

        return [.. gone];
    }

    /// <summary>Removes the channels, and holds the output against that with zeros in their place.</summary>
    private void RemoveAndCompare(ChannelUnit[] gone, int trial)
    {
        using DisposeScope scope = NewDisposeScope();
        Mask mask = MaskOf(gone);
        foreach ((string name, Tensor parameter) in _layers.Values.SelectMany(l => l.Parameters))
        {
            parameter.set_(parameter.detach().masked_fill(mask[name].logical_not(), s_zero));
        }

        using Generator generator = RandomStream.Of(trial, "trial");
        Tensor input = _example.is_floating_point() ? randn(_example.shape, _example.dtype, generator: generator) : _example;
        Tensor masked = _model.Answer(input);
        foreach (ChannelLayer layer in _layers.Values)
        {
            layer.Keep(Kept(layer.Outputs, gone.SelectMany(u => layer.IsNorm ? u.Norms : u.Outputs), layer),
                Kept(layer.Inputs, gone.SelectMany(u => layer.IsNorm ? u.Norms : u.Inputs), layer));
        }

        Tensor smaller;
        try
        {
            smaller = _model.Answer(input);
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or IndexOutOfRangeException)
        {
            throw new WorkbookException($"the model does not run without the channels: its forward counts on their number ({e.Message.Split('\n')[0].Trim()})",
                e);
        }

        if (!smaller.shape.SequenceEqual(masked.shape)
            || !smaller.allclose(masked, rtol: 1e-4, atol: 1e-4 * masked.abs().max().to(ScalarType.Float64).item<double>(), equal_nan: true))
        {
            throw new WorkbookException("without the channels the model computes something else than with zeros in their place: its forward depends on "
                + "them in a way that tracing has not seen");
        }
    }

    /// <summary>Weights of He et al. (2015), which carry differences through all layers, small biases and norms that let values pass.</summary>
    private void Randomize(int seed)
    {
        foreach (ChannelLayer layer in _layers.Values)
        {
            foreach ((string name, Tensor parameter) in layer.Parameters)
            {
                using Generator generator = RandomStream.Of(seed, "trial", name);
                Tensor drawn = randn(parameter.shape, parameter.dtype, generator: generator);
                parameter.set_(parameter.dim() > 1 ? drawn.mul(Math.Sqrt(2.0 * layer.Outputs / parameter.numel())) : drawn.mul(0.1)
                    .add(ReferenceEquals(parameter, layer.Weight) ? 1 : 0));
            }

            layer.SetStatistics(0, 1);
        }
    }

    private static Tensor Indices(IEnumerable<(string Layer, int Channel)> of, ChannelLayer layer) =>
        tensor(of.Where(o => o.Layer == layer.Name).Select(o => (long)o.Channel).ToArray());

    private static Tensor Kept(int count, IEnumerable<(string Layer, int Channel)> gone, ChannelLayer layer) =>
        tensor(Enumerable.Range(0, count).Select(c => (long)c).Except(gone.Where(g => g.Layer == layer.Name).Select(g => (long)g.Channel)).ToArray());

    private static unsafe nint Address(Tensor tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.detach().as_strided([1], [1]).bytes));
}
