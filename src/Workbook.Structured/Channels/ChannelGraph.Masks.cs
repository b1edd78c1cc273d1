using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <content>From units to masks and back.</content>
public sealed partial class ChannelGraph
{
    /// <summary>The mask that keeps everything but some units: rows, biases, scale and shift of what goes, and the columns that read it.</summary>
    internal Mask MaskOf(IReadOnlyCollection<ChannelUnit> gone)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> kept = [];
        Dictionary<string, (HashSet<int> Outputs, HashSet<int> Inputs)> touched = ChannelTrials.Touched(_layers.Values, gone)
            .ToDictionary(t => t.Layer.Name, t => (t.Outputs, t.Inputs));
        foreach (ChannelLayer layer in _layers.Values)
        {
            foreach (ChannelLayer.Part part in layer.Parts.Where(p => p.Name is not null))
            {
                Tensor all = ones(part.Tensor.shape, ScalarType.Bool);
                kept[part.Name!] = touched.TryGetValue(layer.Name, out var lost) ? ChannelTrials
                    .Zeroed(part with { Tensor = all }, lost.Outputs, lost.Inputs) : all;
            }
        }

        return new Mask(kept);
    }

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

    private ChannelUnit[] Gone(Mask mask)
    {
        // A channel is pruned if nothing of its row, its bias, its scale and its shift is kept.
        Dictionary<string, bool[]> pruned = [], rows = [];
        foreach (ChannelLayer layer in _layers.Values)
        {
            using DisposeScope scope = NewDisposeScope();
            bool[][] parameters = [.. layer.Parts.Where(p => p.Name is not null && p.Out >= 0).Select(p => mask.TryGetValue(p.Name!, out Tensor? kept)
                ? kept.transpose(p.Out, 0).reshape(layer.Outputs, -1).any(1).logical_not().data<bool>().ToArray() : new bool[layer.Outputs])];
            rows[layer.Name] = parameters.FirstOrDefault() ?? new bool[layer.Outputs];
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
}
