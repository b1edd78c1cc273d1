using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Keeps activations in <see cref="Planes"/> from one sparse convolution to the next, through batch norms, max pooling, sums and activations, in any
/// model: what its <c>forward</c> does with them is not read but tried, against the answers that images give.
/// </summary>
internal static class Chains
{
    /// <summary>Models whose layers must be told apart one by one are given up after so many tries.</summary>
    private const int Tries = 100;

    /// <summary>Puts chains into a model, of as many layers as answer the same.</summary>
    /// <param name="model">Some of its convolutions are sparse.</param>
    /// <param name="example">An input: its first examples are tried.</param>
    /// <returns>The layers that hand planes on, in the model's order.</returns>
    internal static IReadOnlyList<string> Put(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        using DisposeScope scope = NewDisposeScope();
        if (Trial.Of(model, example) is not { } trial)
        {
            return []; // numbers that forward draws would lie elsewhere in planes, or one of them be for many images
        }

        StandIn(model);
        List<LayerSlot> kept = Search(model, trial);
        if (!kept.Exists(slot => slot.Layer is SparseConv2d { IsUsual: true }))
        {
            Remove(model);
            return [];
        }

        return [.. kept.Where(slot => slot.Layer is not SparseConv2d { IsUsual: false }).Select(slot => slot.Name)];
    }

    /// <summary>Puts back the layers that others stand for; all take and give images again.</summary>
    internal static void Remove(nn.Module model)
    {
        foreach (LayerSlot slot in LayerSlot.OfStandIns(model).ToArray())
        {
            slot.Put(((IStandIn)slot.Layer).Layer);
        }

        foreach (IPlanesLayer layer in LayerSlot.OfPlanes(model).Select(slot => slot.Layer).OfType<IPlanesLayer>())
        {
            layer.GivesPlanes = false;
        }
    }

    private static void StandIn(nn.Module model)
    {
        Dictionary<nn.Module, nn.Module<Tensor, Tensor>> standIns = [];
        foreach (LayerSlot slot in LayerSlot.OfPlanes(model).ToArray())
        {
            if ((standIns.GetValueOrDefault(slot.Layer) ?? StandInOf(slot.Layer)) is not { } standIn || slot.ObstacleTo(standIn.GetType()) is not null)
            {
                continue;
            }

            standIns[slot.Layer] = standIn;
            slot.Put(standIn);
        }
    }

    /// <summary>Null for a layer that can stay: those whose answer to planes, zero for zero, is that to images.</summary>
    private static nn.Module<Tensor, Tensor>? StandInOf(nn.Module layer) => layer switch
    {
        IPlanesLayer or ReLU or ReLU6 or LeakyReLU or Hardswish or SiLU or GELU or Tanh or Identity or Dropout => null,
        BatchNorm2d norm => new PlanesNorm(norm),
        MaxPool2d pool => new PlanesPool(pool),
        nn.Module<Tensor, Tensor> other => new ImagesFirst(other),
        _ => null,
    };

    /// <summary>The longest parts of the model, one after the other, that answer as before.</summary>
    private static List<LayerSlot> Search(nn.Module model, Trial trial)
    {
        LayerSlot[] slots = [.. LayerSlot.OfPlanes(model).Where(slot => slot.Layer is IPlanesLayer)];
        List<LayerSlot> kept = [];
        for (int start = 0, end = slots.Length; start < slots.Length && trial.Count < Tries; (start, end) = (Math.Max(end, start) + 1, slots.Length))
        {
            for (; end > start && trial.Count < Tries; end--)
            {
                Give([.. kept, .. slots[start..end]]);
                if (trial.Passes())
                {
                    kept.AddRange(slots[start..end]);
                    break;
                }
            }
        }

        Give(kept);
        return kept;

        void Give(List<LayerSlot> giving)
        {
            foreach (LayerSlot slot in slots)
            {
                ((IPlanesLayer)slot.Layer).GivesPlanes = giving.Exists(given => ReferenceEquals(given.Layer, slot.Layer));
            }
        }
    }
}
