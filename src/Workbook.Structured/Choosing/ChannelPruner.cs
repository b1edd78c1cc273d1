using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What of a channel is scored.</summary>
public enum ScoredSlices
{
    /// <summary>Everything that goes with it: the rows that make it and the columns that read it, in all layers (DepGraph's group norm).</summary>
    Group,

    /// <summary>The rows that make it: filters of convolutions, units of linear layers (Li et al. 2017).</summary>
    Filters,

    /// <summary>The scale of its batch norms (Liu et al. 2017, network slimming).</summary>
    BatchNormScale,
}

/// <summary>How scores become comparable where channels of several groups are ranked together.</summary>
public enum Comparison
{
    /// <summary>They are divided by their group's mean.</summary>
    Mean,

    /// <summary>As those of <see cref="Saliency.Lamp"/>, with the channels of a group in place of the weights of a layer.</summary>
    Lamp,

    /// <summary>They stay as they are.</summary>
    None,
}

/// <summary>A way of choosing channels: saliency × slices × norm × scope. A channel is worth the sum of its slices' norms.</summary>
/// <param name="Saliency">What a weight is worth, or what whole channels are: a <see cref="ChannelSaliency"/>.</param>
public sealed partial record ChannelPruner(Saliency Saliency)
{
    /// <summary>What of a channel is scored; by default all that goes with it.</summary>
    public ScoredSlices Slices { get; init; } = ScoredSlices.Group;

    /// <summary>The norm of a slice's scores: 1, 2, ∞, or any other; 1 for <see cref="Saliency.Taylor"/>, none for a <see cref="ChannelSaliency"/>.</summary>
    public double Norm { get; init; } = 2;

    /// <summary>
    /// Among which channels the ranking runs: those of each group by itself, or all together. A group loses the smallest ratio of its layers; one that holds
    /// an excluded layer stays whole.
    /// </summary>
    public Scope Scope { get; init; } = Scope.PerLayer();

    /// <summary>What makes scores of groups comparable where the scope is global.</summary>
    public Comparison Comparison { get; init; } = Comparison.Mean;

    /// <summary>Channels that every layer keeps at the least; at least 1.</summary>
    public int Floor { get; init; } = 1;

    /// <summary>What the number of channels of a layer that loses some is a multiple of; fewer go where that needs it.</summary>
    public int RoundTo { get; init; } = 1;

    /// <summary>
    /// Chooses the channels that go at a ratio. The model is not changed: <see cref="Mask.Apply"/> sets them to 0, <see cref="ChannelGraph.Remove"/> removes
    /// them.
    /// </summary>
    /// <param name="graph">The traced model.</param>
    /// <param name="ratio">The fraction of the units that goes, 0 up to 1, of the groups that may be pruned; rounded half to even.</param>
    /// <returns>What is left of the weights, biases, scales and shifts: rows that make the channels and columns that read them are pruned.</returns>
    /// <exception cref="WorkbookException">
    /// The ratio is not from 0 up to 1, a layer to leave out is not there, no group may be pruned, the floor or the multiple is below 1, a score is
    /// not a number or there is no batch norm to score.
    /// </exception>
    public Mask Prune(ChannelGraph graph, double ratio)
    {
        ArgumentNullException.ThrowIfNull(graph);
        CheckRatio(ratio);
        return graph.MaskOf([.. Rank(graph).SelectMany(r => r.Choose(Ratio(r, ratio)))]);

        double Ratio(Ranking ranking, double ratio)
        {
            double wanted = ranking.Wanted(ratio);
            CheckRatio(wanted);
            return wanted;
        }
    }

    /// <summary>The units that are ranked against each other, the least worth first; of equal ones the first.</summary>
    private Ranking[] Rank(ChannelGraph graph)
    {
        if (Floor < 1 || RoundTo < 1)
        {
            throw new WorkbookException($"a layer keeps at least 1 channel, and a multiple of at least 1: not Floor = {Floor}, RoundTo = {RoundTo}");
        }

        if (Scope.Included.Count > 0)
        {
            throw new WorkbookException(
                $"channels go whole, with weights, biases and norms: a scope that includes {string.Join(", ", Scope.Included)} is for a Pruner");
        }

        graph.CheckShapes();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        ChannelGroup[] groups = Prunable(graph);
        Dictionary<ChannelUnit, double> scores = Scores(graph, groups);
        return [.. (Scope.IsGlobal ? [groups] : groups.Select(g => new[] { g }))
            .Select(together => new Ranking(this, graph, together, [.. together.SelectMany(g => g.Units).OrderBy(u => scores[u])]))];
    }

    private static void CheckRatio(double ratio)
    {
        if (!(ratio is >= 0 and < 1))
        {
            throw new WorkbookException(ratio == 1 ? "a ratio of 1 prunes every channel: at least one has to stay in each layer"
                : FormattableString.Invariant($"a ratio of channels is a fraction from 0 up to 1, not {ratio}"));
        }
    }

    private ChannelGroup[] Prunable(ChannelGraph graph)
    {
        bool Leaves(string name, string layer) => name == layer || name == graph.Layer(layer).WeightName
            || layer.StartsWith(name + ".", StringComparison.Ordinal);
        if (Scope.Except.FirstOrDefault(name => !graph.Groups.Any(g => g.Layers.Any(l => Leaves(name, l)))) is { } missing)
        {
            throw new WorkbookException($"there is no layer '{missing}' to leave out; the layers "
                + $"are {string.Join(", ", graph.Groups.SelectMany(g => g.Layers))}");
        }

        ChannelGroup[] groups = [.. graph.Groups.Where(g => g.WholeBecause is null && !g.Layers.Any(l => Scope.Except.Any(name => Leaves(name, l))))];
        return groups.Length > 0 ? groups
            : throw new WorkbookException($"no channel may be "
                + $"pruned: {string.Join("; ", graph.Groups.Select(g => $"{string.Join(", ", g.Layers)} stay, {g.WholeBecause ?? "left out"}"))}");
    }

    private Dictionary<ChannelUnit, double> Scores(ChannelGraph graph, ChannelGroup[] groups)
    {
        Dictionary<string, (double[] Rows, double[] Columns)> norms = [];
        (double[] Rows, double[] Columns) NormsOf(string layer) => norms.TryGetValue(layer, out var known) ? known : norms[layer] = Norms(graph.Layer(layer));
        bool Scales(string layer) => graph.Layer(layer) is { IsBare: false, IsSlopes: false };
        double Score(ChannelUnit unit) => Slices switch
        {
            ScoredSlices.BatchNormScale when !unit.Norms.Any(n => Scales(n.Layer)) => throw new WorkbookException(
                $"no batch norm goes with channel {unit.Outputs[0].Channel} of '{unit.Outputs[0].Layer}': leave that layer out, or score other slices"),
            ScoredSlices.BatchNormScale => unit.Norms.Where(n => Scales(n.Layer)).Sum(n => NormsOf(n.Layer).Rows[n.Channel]),
            ScoredSlices.Filters => unit.Outputs.Sum(o => NormsOf(o.Layer).Rows[o.Channel]),
            // The columns of a layer in groups are in its rows, which go too.
            _ => unit.Outputs.Sum(o => NormsOf(o.Layer).Rows[o.Channel]) + unit.Inputs.Where(i => graph.Layer(i.Layer).Groups == 1)
                .Sum(i => NormsOf(i.Layer).Columns[i.Input]),
        };
        return groups.SelectMany(group =>
        {
            double[] scores = [.. group.Units.Select(Score)];
            return group.Units.Zip(Scope.IsGlobal ? Comparable(scores) : scores, KeyValuePair.Create);
        }).ToDictionary();
    }

    private double[] Comparable(double[] scores) => Comparison switch
    {
        Comparison.Mean when scores.Average() is > 0 and var mean => [.. scores.Select(score => score / mean)],
        Comparison.Lamp => Saliency.LampOf(tensor(scores)).data<double>().ToArray(),
        _ => scores,
    };

    private (double[] Rows, double[] Columns) Norms(ChannelLayer layer)
    {
        ChannelLayer.Part part = layer.Parts.First(p => ReferenceEquals(p.Tensor, layer.Weight));
        ChannelSaliency? whole = Saliency as ChannelSaliency;
        Tensor score = (whole?.Score(layer.WeightName, layer.Weight, part.Out) ?? Saliency.Score(layer.WeightName, layer.Weight)).detach().cpu()
            .to(ScalarType.Float64);
        return score.isnan().any().item<bool>() ?
            throw new WorkbookException($"the saliency of '{layer.WeightName}' is not a number: its weights or gradients have diverged")
            : whole is null ? (Slice(score, part.Out), [.. part.In.SelectMany(i => Slice(score, i.Dim))])
            : score.shape.SequenceEqual([layer.Outputs]) ? (score.data<double>().ToArray(), new double[layer.Inputs])
            : throw new WorkbookException($"the saliency of '{layer.WeightName}' has shape [{string.Join(", ", score.shape)}], for {layer.Outputs} channels");

        double[] Slice(Tensor slices, int dim) => slices.transpose(dim, 0).reshape(slices.shape[dim], -1).NormOf(Norm, [1L]).data<double>()
            .ToArray();
    }
}
