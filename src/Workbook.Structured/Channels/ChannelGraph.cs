using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Which channels of a model depend on each other (the idea of DepGraph: Fang et al. 2023, "DepGraph: Towards any structural pruning"), found by
/// probing with values: nothing is declared. It is that of the model as it was traced; after <see cref="Remove"/> trace again.
/// </summary>
public sealed partial class ChannelGraph
{
    private readonly ChannelForward _forward;
    private readonly Dictionary<string, ChannelLayer> _layers;
    private readonly ScalarType _dtype;

    private ChannelGraph(nn.Module model, ChannelForward forward, IReadOnlyList<ChannelLayer> layers, IReadOnlyList<ChannelGroup> groups, ScalarType dtype)
    {
        (Model, _forward, Groups, _dtype) = (model, forward, groups, dtype);
        _layers = layers.ToDictionary(l => l.Name);
    }

    /// <summary>All output channels of the layers, in the model's order; those of embeddings and of parameters of the model's own are among them.</summary>
    public IReadOnlyList<ChannelGroup> Groups { get; }

    /// <summary>
    /// Traces a model of linear and bilinear layers, convolutions (grouped, depthwise and transposed ones too), embeddings, norms of every kind and parameters
    /// of its own, with anything without parameters between them. Takes one pass forward and backward for each layer and some more, on a copy of
    /// the weights. Then a channel of each group is removed for trial, and the answers held against those with zeros in its place, for inputs of the example's
    /// own scale up to 255: what the groups offer, <see cref="Remove"/> can do. The model is put back to the bit.
    /// </summary>
    /// <param name="model">On the CPU; <c>forward</c> must not depend on values for which operations it runs.</param>
    /// <param name="exampleInput">An input as the model takes it, of which only the shape and the scale matter; the smaller, the faster.</param>
    /// <exception cref="WorkbookException">
    /// The input does not fit; a layer shares its weights with another, feeds itself, or is a batch norm without statistics.
    /// </exception>
    public static ChannelGraph Trace(nn.Module<Tensor, Tensor> model, Tensor exampleInput)
    {
        ArgumentNullException.ThrowIfNull(exampleInput);
        return Trace(model, [exampleInput]);
    }

    /// <summary>Traces a model that takes several tensors, or gives several: in tuples, lists or dictionaries.</summary>
    /// <param name="model">Any module with a <c>forward</c> of as many tensors; others may follow that can be left out.</param>
    /// <param name="exampleInputs">Inputs as the model takes them.</param>
    /// <exception cref="WorkbookException">As of a model with one input.</exception>
    public static ChannelGraph Trace(nn.Module model, IReadOnlyList<Tensor> exampleInputs)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(exampleInputs);
        return Trace(model, ChannelForward.Of(model, exampleInputs));
    }

    /// <summary>Traces a model that is called in a way of one's own.</summary>
    /// <param name="model">The layers.</param>
    /// <param name="exampleInputs">Inputs, of which copies are given to <paramref name="forward"/>.</param>
    /// <param name="forward">From inputs to answers: tensors, or tuples, lists and dictionaries of them.</param>
    /// <exception cref="WorkbookException">As of a model with one input.</exception>
    public static ChannelGraph Trace(nn.Module model, IReadOnlyList<Tensor> exampleInputs, Func<IReadOnlyList<Tensor>, object?> forward)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(exampleInputs);
        ArgumentNullException.ThrowIfNull(forward);
        return Trace(model, new ChannelForward(exampleInputs, forward, model));
    }

    /// <summary>
    /// The graph of another network of the same make, e.g. a copy, without tracing it. What it offers is proved there by <see cref="Remove"/>, as it is here.
    /// This graph's network may have lost channels since.
    /// </summary>
    /// <param name="model">With the layers and shapes that this graph's network had when it was traced.</param>
    /// <exception cref="WorkbookException">It has others, or this graph was traced with a call of one's own.</exception>
    public ChannelGraph For(nn.Module<Tensor, Tensor> model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.GetType() != Model.GetType() || !_forward.IsOfModel)
        {
            throw new WorkbookException($"a graph of {Model.GetType().Name}{(_forward.IsOfModel ? "" : ", called in a way of one's own,")} is none of "
                + $"{model.GetType().Name}: trace it");
        }

        ChannelLayer[] layers = LayersOf(model);
        string[] other = [.. layers.Where(l => !_layers.TryGetValue(l.Name, out ChannelLayer? was) || !was.IsLike(l)).Select(l => l.Name)
            .Concat(_layers.Keys.Except(layers.Select(l => l.Name)))];
        if (other.Length > 0)
        {
            throw new WorkbookException($"'{other[0]}' is not in both networks, or not of one shape: trace this one for itself");
        }

        return new(model, ChannelForward.Of(model, _forward.Examples), layers, Groups, _dtype);
    }

    private static ChannelGraph Trace(nn.Module model, ChannelForward called)
    {
        ChannelLayer[] layers = LayersOf(model);
        if (layers.Where(l => l.IsCpu).GroupBy(l => Address(l.Weight)).FirstOrDefault(g => g.Count() > 1) is { } shared)
        {
            throw new WorkbookException($"{string.Join(" and ", shared.Select(l => $"'{l.Name}'"))} share one weight: layers that do can't be pruned");
        }

        if (!layers.Any(l => l.IsProducer && !l.IsSource))
        {
            throw new WorkbookException("the model has no linear layer and no convolution");
        }

        if (layers.FirstOrDefault(l => !l.IsCpu) is { } elsewhere)
        {
            throw new WorkbookException($"'{elsewhere.Name}' is on {elsewhere.Weight.device_type}: a model is traced on the CPU");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable inference = inference_mode(false);
        using SingleThread thread = new();
        ChannelForward forward = called with { Examples = [.. called.Examples.Select(e => e.detach().clone())] };
        ScalarType own = layers[0].Weight.dtype;
        bool isNative = model.modules().Any(WorkingCopy.IsNative);
        ScalarType dtype = isNative || !ChannelTracing.Runs(model, forward, ScalarType.Float64) ? own : ScalarType.Float64;
        IReadOnlyList<ChannelGroup> groups;
        try
        {
            groups = ChannelTracing.Groups(model, forward.As(dtype), layers, dtype);
        }
        catch (ForwardFault fault)
        {
            throw new WorkbookException($"the model's forward throws for other values than the example's, with which it is traced: {fault.Message}", fault);
        }

        return new(model, forward with { Examples = [.. forward.Examples.Select(e => e.DetachFromDisposeScope())] }, layers, groups, dtype);
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
        if (_layers.Values.FirstOrDefault(l => l.IsProducer && gone.Sum(u => u.Outputs.Count(o => o.Layer == l.Name)) == l.Outputs) is { } emptied)
        {
            throw new WorkbookException($"the mask prunes every channel of '{emptied.Name}': at least one has to stay");
        }

        if (gone.Length == 0)
        {
            return 0;
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable inference = inference_mode(false);
        using IDisposable noGrad = no_grad();
        using SingleThread thread = new();
        // Norms over the channels give another answer than with zeros: what they do has been tried in the trace.
        HashSet<ChannelUnit> inexact = new(Groups.Where(g => g.Renormalized.Count > 0).SelectMany(g => g.Units), ReferenceEqualityComparer.Instance);
        ChannelUnit[] exact = [.. gone.Where(u => !inexact.Contains(u))];
        foreach (bool ownWeights in exact.Length > 0 ? new[] { false, true } : [])
        {
            using WorkingCopy copy = new(Model, _dtype);
            try
            {
                ChannelTrials trials = new(copy, _forward.As(_dtype), [.. _layers.Values], _dtype == ScalarType.Float64, ownWeights);
                if (trials.Fault(exact) is { } fault)
                {
                    throw new WorkbookException(fault);
                }
            }
            catch (ForwardFault fault)
            {
                throw new WorkbookException($"the model's forward throws where it is tried: {fault.Message}", fault);
            }
        }

        foreach ((ChannelLayer layer, HashSet<int> outputs, HashSet<int> inputs) in ChannelTrials.Touched(_layers.Values, gone))
        {
            foreach (ChannelLayer.Part part in layer.Parts)
            {
                bool requiresGrad = part.Tensor.requires_grad;
                part.Tensor.requires_grad = false;
                part.Tensor.set_(ChannelTrials.Cut(layer, part, outputs, inputs));
                part.Tensor.requires_grad = requiresGrad;
            }

            ChannelTrials.Narrow(layer, outputs, inputs);
        }

        foreach (Tensor parameter in _layers.Values.SelectMany(l => l.Parameters).Select(p => p.Tensor))
        {
            parameter.grad = null;
        }

        return gone.Length;
    }

    /// <summary>
    /// The norms over channels of which a mask prunes some (<see cref="ChannelGroup.Renormalized"/>): without them the model answers otherwise than with
    /// zeros in their place. Where there are none, it answers the same.
    /// </summary>
    /// <param name="mask">As <see cref="Remove"/> takes it.</param>
    /// <exception cref="WorkbookException">As <see cref="Remove"/>, of the mask.</exception>
    public IReadOnlyList<string> RenormalizedBy(Mask mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        CheckShapes(mask);
        HashSet<ChannelUnit> gone = new(Gone(mask), ReferenceEqualityComparer.Instance);
        return [.. Groups.Where(g => g.Units.Any(gone.Contains)).SelectMany(g => g.Renormalized).Distinct()];
    }

    /// <summary>Counts the model for the example with which it was traced.</summary>
    /// <exception cref="WorkbookException">It takes several tensors.</exception>
    internal ModelCount Count() => Model is nn.Module<Tensor, Tensor> model && _forward.Examples is [Tensor example] ? ModelCount.Of(model, example)
        : throw new WorkbookException("multiplications are counted for models that take one tensor and give one: choose the channels by a ratio");

    /// <summary>Runs the model in evaluation mode, as it was traced, on copies of inputs; what it says stays here.</summary>
    /// <exception cref="WorkbookException">It does not take them.</exception>
    internal void Run(IReadOnlyList<Tensor> inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(Model, training: false);
        using IDisposable noGrad = no_grad();
        try
        {
            Answer();
        }
        catch (Exception e) when (ChannelForward.IsRefusal(e))
        {
            throw new WorkbookException($"the model does not take inputs of shapes {string.Join(", ", inputs.Select(i => $"[{string.Join(", ", i.shape)}]"))}: "
                + ForwardFault.Of(e, Model, Answer).Message, e);
        }

        void Answer() => _forward.Answer([.. inputs.Select(i => i.clone())]);
    }

    internal nn.Module Model { get; }

    internal ChannelLayer Layer(string name) => _layers[name];

    internal IEnumerable<ChannelLayer> Layers => _layers.Values;

    /// <summary>One line a group.</summary>
    public override string ToString() => string.Join('\n', Groups);

    private static ChannelLayer[] LayersOf(nn.Module model) => [.. ChannelLayer.WithoutStrangers([.. model.named_modules().Prepend(("", model))
        .DistinctBy(m => m.Item2).SelectMany(m => ChannelLayer.Of(m.Item1, m.Item2))])];

    private static unsafe nint Address(Tensor tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.detach().as_strided([1], [1]).bytes));
}
