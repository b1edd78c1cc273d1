using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Stands for a layer and shows what it is given.</summary>
internal sealed class CallProbe(nn.Module<Tensor, Tensor> layer, Action<Tensor> seen) : nn.Module<Tensor, Tensor>(nameof(CallProbe))
{
    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        seen(input);
        return layer.forward(input);
    }

    /// <summary>The calls of some layers of a model in evaluation mode, in their order, and the shape of what each was given.</summary>
    /// <param name="model">It stays as it was.</param>
    /// <param name="slots">Where the layers are; those that take no other in their place are left out.</param>
    /// <param name="input">Of the model.</param>
    internal static IReadOnlyList<(nn.Module Layer, long[] Shape)> CallsOf(nn.Module<Tensor, Tensor> model, IEnumerable<LayerSlot> slots, Tensor input)
    {
        List<(nn.Module Layer, long[] Shape)> calls = [];
        (LayerSlot Slot, CallProbe Probe)[] probed = [.. slots.Where(s => s.ObstacleTo(typeof(CallProbe)) is null)
            .Select(s => (s, new CallProbe((nn.Module<Tensor, Tensor>)s.Layer, given => calls.Add((s.Layer, given.shape)))))];
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using ModelGuard guard = new(model, training: false);
        try
        {
            Array.ForEach(probed, p => p.Slot.Put(p.Probe));
            model.forward(input.clone());
        }
        finally
        {
            Array.ForEach(probed, p => (p.Slot with { Layer = p.Probe }).Put((nn.Module<Tensor, Tensor>)p.Slot.Layer));
        }

        return calls;
    }
}
