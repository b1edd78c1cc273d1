using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Keeps activations in <see cref="Planes"/> from one sparse convolution to the next, through batch norms, max pooling, sums and activations, in any
/// model: what its <c>forward</c> does with them is not read but tried, against the answers that images give.
/// </summary>
internal sealed class Chains
{
    /// <summary>Of examples: a whole group of planes.</summary>
    private const int Most = 16;

    /// <summary>Models whose layers must be told apart one by one are given up after so many forward passes.</summary>
    private const int Tries = 100;
    private const double Tolerance = 1e-3;

    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly (Tensor Inputs, bool Training)[] _trials;
    private readonly Tensor[] _expected;
    private int _tries;

    private Chains(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        _model = model;
        Tensor rows = example.index_select(0, arange(HeldNumbers.Zero, Most, HeldNumbers.One, ScalarType.Int64).remainder(example.size(0))).clone();
        // No two examples are alike, else one could stand for another.
        rows = rows.mul(linspace(0.5, 1.5, Most).view([Most, .. Enumerable.Repeat(1L, (int)rows.dim() - 1)]));
        _trials = [(rows, false), (rows.narrow(0, 0, 3), false), (rows, true)];
        _expected = [.. _trials.Select(Answer)];
    }

    /// <summary>Puts chains into a model, of as many layers as answer the same.</summary>
    /// <param name="model">Some of its convolutions are sparse.</param>
    /// <param name="example">An input: its first examples are tried.</param>
    /// <returns>The layers that hand planes on, in the model's order.</returns>
    internal static IReadOnlyList<string> Put(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        List<LayerSlot> kept = [];
        try
        {
            Chains chains = new(model, example.detach());
            // Numbers that forward itself draws lie elsewhere in planes, and may be one for many images: with them nothing could be compared.
            if (chains.Answers())
            {
                StandIn(model);
                kept = chains.Search();
            }
        }
        finally
        {
            if (!kept.Exists(slot => slot.Layer is SparseConv2d { IsUsual: true }))
            {
                kept = [];
                Remove(model);
            }
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
    private List<LayerSlot> Search()
    {
        LayerSlot[] slots = [.. LayerSlot.OfPlanes(_model).Where(slot => slot.Layer is IPlanesLayer)];
        List<LayerSlot> kept = [];
        for (int start = 0, end = slots.Length; start < slots.Length && _tries < Tries; (start, end) = (Math.Max(end, start) + 1, slots.Length))
        {
            for (; end > start && _tries < Tries; end--)
            {
                Give([.. kept, .. slots[start..end]]);
                if (Answers())
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

    private bool Answers()
    {
        _tries++;
        try
        {
            return _trials.Zip(_expected).All(pair =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor answer = Answer(pair.First);
                return answer.shape.SequenceEqual(pair.Second.shape)
                    && answer.Plus(pair.Second.neg()).abs().max().Value() <= Tolerance * pair.Second.abs().max().Value();
            });
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false; // whatever a layer says of planes that it was not made for
        }
    }

    private Tensor Answer((Tensor Inputs, bool Training) trial)
    {
        using ModelGuard guard = new(_model, trial.Training);
        foreach (nn.Module dropout in _model.modules().Where(module => module is Dropout or Dropout1d or Dropout2d or Dropout3d or AlphaDropout or FeatureAlphaDropout))
        {
            dropout.eval();
        }

        return _model.forward(trial.Inputs.clone());
    }
}
