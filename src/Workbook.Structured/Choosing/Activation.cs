using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What channels give on data: the mean of |activation| over a batch and its positions.</summary>
public static class Activation
{
    /// <summary>
    /// Runs the model once, in evaluation mode, and notes what its layers and norms give. For <see cref="ScoredSlices.Filters"/> a channel is worth what its
    /// layers give before any norm and activation, for <see cref="ScoredSlices.BatchNormScale"/> what its norms give.
    /// </summary>
    /// <param name="graph">The traced model, which runs its layers by <c>call</c>: <c>forward</c> passes hooks by.</param>
    /// <param name="inputs">As the model takes them, a batch at once.</param>
    /// <returns>Scores of the layers that ran; parameters of the model's own are worth nothing.</returns>
    /// <exception cref="WorkbookException">The model does not take the inputs; in the pruning, a layer was not run by <c>call</c>.</exception>
    public static ChannelSaliency Mean(ChannelGraph graph, params IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(inputs);
        graph.CheckShapes();
        Dictionary<string, (Tensor Sum, long Count)> seen = [];
        List<Action> unhook = [];
        using DisposeScope scope = NewDisposeScope();
        try
        {
            foreach (ChannelLayer layer in graph.Layers)
            {
                if (layer is { IsBare: false, Module: nn.Module<Tensor, Tensor> module })
                {
                    unhook.Add(module.register_forward_hook((_, _, output) =>
                    {
                        using DisposeScope inner = NewDisposeScope();
                        Tensor rows = ChannelSaliency.Rows(output, ChannelsOf(layer, output));
                        (Tensor Sum, long Count) known = seen.GetValueOrDefault(layer.WeightName);
                        Tensor sum = rows.abs().sum(1L);
                        seen[layer.WeightName] = ((known.Sum is { } before ? before.Plus(sum) : sum).DetachFromDisposeScope(), known.Count + rows.shape[1]);
                        known.Sum?.Dispose();
                        return output;
                    }).remove);
                }
            }

            graph.Run(inputs);
            return new MeanSaliency(
                seen.ToDictionary(s => s.Key, s => s.Value.Sum.Over(s.Value.Count).DetachFromDisposeScope()),
                [.. graph.Layers.Where(l => l.Module is null).Select(l => l.WeightName)]);
        }
        finally
        {
            unhook.ForEach(remove => remove());
            foreach ((Tensor sum, _) in seen.Values)
            {
                sum.Dispose();
            }
        }
    }

    private static int ChannelsOf(ChannelLayer layer, Tensor output) => (int)output.dim() is var dims ? layer.Module switch
    {
        Linear or Embedding => dims - 1,
        Convolution c => dims - 1 - c.kernel_size.Length, // without a batch, too
        LayerNorm n => dims - n.normalized_shape.Length + layer.Parts[0].Out,
        _ => 1,
    } : 0;

    private sealed class MeanSaliency(Dictionary<string, Tensor> means, HashSet<string> own) : ChannelSaliency
    {
        private readonly Lazy<string> _hash = new(() => ContentHash.Of(means));

        public override Tensor Score(string name, Parameter weight, int dim) => means.TryGetValue(name, out Tensor? mean) ? mean
            : own.Contains(name) ? zeros(weight.shape[dim])
            : throw new WorkbookException($"what the layer of '{name}' gives was not seen: forward passes hooks by; have the model run its layers "
                + "by call, as in conv1.call(x), or score its weights");

        public override string ToString() => $"mean activation {_hash.Value}";
    }
}
