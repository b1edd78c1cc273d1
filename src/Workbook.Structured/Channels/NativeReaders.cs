using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Channels that libtorch's own modules read (recurrent layers, attention) stay, since those have sizes that can't be changed. Which module it is shows when
/// its weights are 0: then the channels make no difference.
/// </summary>
internal static class NativeReaders
{
    /// <summary>Groups with the module named for whose sake they stay.</summary>
    internal static IReadOnlyList<ChannelGroup> Named(IReadOnlyList<ChannelGroup> groups, nn.Module model, WorkingCopy copy, ChannelTrials trials,
        ChannelTracer tracer, IReadOnlyList<ChannelLayer> layers)
    {
        List<int> Members(ChannelGroup group) => [.. Enumerable.Range(0, layers.Count).Where(l => group.Layers.Contains(layers[l].Name))];
        // What has no reader that is known, and is not the output.
        ChannelGroup[] open = [.. groups.Where(g => g.WholeBecause is not null && g.Units.All(u => u.Inputs.Count == 0) && !Members(g).Any(tracer.IsOutput))];
        Dictionary<ChannelGroup, string> readers = [];
        foreach ((string name, nn.Module module) in model.named_modules()
            .Where(m => WorkingCopy.IsNative(m.module) && m.module is not (Embedding or EmbeddingBag)))
        {
            foreach (ChannelGroup group in open.Where(g => !readers.ContainsKey(g)))
            {
                ChannelLayer[] watched = [.. Members(group).Select(l => layers[l])];
                if (trials.Dead([], watched).Any(d => d is not null) && WithoutWeights(module, copy, () => trials.Dead([], watched)).All(d => d is null))
                {
                    readers[group] = $"'{name}', {Article(module)} {module.GetType().Name}, reads them: libtorch's own modules have sizes that can't be "
                        + "changed, what they take stays, and so does what they give";
                }
            }
        }

        return [.. groups.Select(g => readers.TryGetValue(g, out string? because) ? g with { WholeBecause = because } : g)];
    }

    private static string Article(nn.Module module) => "AEFHILMNORSX".Contains(module.GetType().Name[0]) && module is not MultiheadAttention ? "an" : "a";

    private static T WithoutWeights<T>(nn.Module module, WorkingCopy copy, Func<T> look)
    {
        (Tensor Weight, Tensor Contents)[] weights = [.. module.named_parameters().Where(p => p.parameter.dim() > 1)
            .Select(p => ((Tensor)p.parameter, p.parameter.detach().clone()))];
        try
        {
            foreach ((Tensor weight, Tensor contents) in weights)
            {
                copy.Set(weight, zeros_like(contents));
            }

            return look();
        }
        finally
        {
            foreach ((Tensor weight, Tensor contents) in weights)
            {
                copy.Set(weight, contents);
            }
        }
    }
}
