using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a finished training has left behind: what its probes noted, its mask, the weights that were kept.</summary>
public abstract class TrainingLog
{
    /// <summary>Name → number over steps.</summary>
    public abstract IReadOnlyDictionary<string, Curve> Metrics { get; }

    /// <summary>The steps whose weights are kept, rising.</summary>
    public abstract IReadOnlyList<long> Checkpoints { get; }

    /// <summary>What a probe noted.</summary>
    /// <exception cref="WorkbookException">The training had no such probe.</exception>
    public ScoreCurves this[ScoreProbe probe] => Read(probe);

    /// <inheritdoc cref="this[ScoreProbe]"/>
    public Curve this[LossProbe probe] => Read(probe);

    /// <inheritdoc cref="this[ScoreProbe]"/>
    public GradientNormCurves this[GradientNormProbe probe] => Read(probe);

    /// <summary>The mask at the end; null where nothing was pruned.</summary>
    public abstract Mask? LoadMask();

    /// <summary>Puts the weights at the end, or those after one of the <see cref="Checkpoints"/>, into a model.</summary>
    /// <exception cref="WorkbookException">They don't fit the model, or are not kept.</exception>
    public abstract void LoadInto(nn.Module model, long? checkpoint = null);

    /// <summary>A curve by its name.</summary>
    /// <exception cref="WorkbookException">The training has none of that name.</exception>
    internal Curve CurveOf(string name) => Metrics.TryGetValue(name, out Curve? curve) ? curve
        : throw new WorkbookException($"the training noted no '{name}'; it noted {string.Join(", ", Metrics.Keys)}: give it the probe");

    private T Read<T>(Probe<T> probe)
    {
        ArgumentNullException.ThrowIfNull(probe);
        return probe.Read(this);
    }
}

/// <summary>The log of a training that nobody stores.</summary>
internal sealed class TrainedInMemory(
    IReadOnlyDictionary<string, Curve> metrics, IReadOnlyDictionary<long, IReadOnlyDictionary<string, Tensor>> weights, Mask? mask) : TrainingLog
{
    public override IReadOnlyDictionary<string, Curve> Metrics => metrics;

    public override IReadOnlyList<long> Checkpoints { get; } = [.. weights.Keys.Order()];

    internal IReadOnlyDictionary<long, IReadOnlyDictionary<string, Tensor>> Weights => weights;

    public override Mask? LoadMask() => mask;

    public override void LoadInto(nn.Module model, long? checkpoint = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!weights.TryGetValue(checkpoint ?? Checkpoints.LastOrDefault(-1), out IReadOnlyDictionary<string, Tensor>? kept))
        {
            throw new WorkbookException($"the training kept no weights of {(checkpoint is { } step ? $"step {step}" : "its end")}; it kept {(weights.Count == 0 ? "none" : string.Join(", ", Checkpoints))}: ask for them with Probe.Checkpoints");
        }

        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor tensor) in model.state_dict())
        {
            tensor.copy_(kept[name]);
        }
    }
}
