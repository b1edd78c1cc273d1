using static TorchSharp.torch;

namespace Workbook;

/// <summary>A number over the steps of a training.</summary>
/// <param name="Steps">The steps at which it was taken, rising; 0 is before the first.</param>
/// <param name="Values">Its values there.</param>
public sealed record Curve(IReadOnlyList<long> Steps, IReadOnlyList<double> Values)
{
    /// <summary>The value at the last step.</summary>
    /// <exception cref="WorkbookException">The curve is empty.</exception>
    [System.Text.Json.Serialization.JsonIgnore]
    public double Last => Values.Count > 0 ? Values[^1] : throw new WorkbookException("the curve has no value");

    /// <summary>The value at one step.</summary>
    /// <exception cref="WorkbookException">It was not taken there.</exception>
    public double At(long step) => Steps.Index().Where(s => s.Item == step).Select(s => (double?)Values[s.Index]).FirstOrDefault()
        ?? throw new WorkbookException($"nothing was taken at step {step}; there are steps {string.Join(", ", Steps.Take(5))}{(Steps.Count > 5 ? ", …" : "")}");
}

/// <summary>What a finished training has left behind: what its probes noted, its mask, the weights that were kept.</summary>
public abstract class TrainingLog
{
    /// <summary>Name → number over steps.</summary>
    public abstract IReadOnlyDictionary<string, Curve> Metrics { get; }

    /// <summary>The steps whose weights are kept, rising.</summary>
    public abstract IReadOnlyList<long> Checkpoints { get; }

    /// <summary>What a probe noted.</summary>
    /// <exception cref="WorkbookException">The training had no such probe.</exception>
    public ScoreCurves this[ScoreProbe probe] => probe.Read(this);

    /// <inheritdoc cref="this[ScoreProbe]"/>
    public Curve this[LossProbe probe] => probe.Read(this);

    /// <inheritdoc cref="this[ScoreProbe]"/>
    public GradientNormCurves this[GradientNormProbe probe] => probe.Read(this);

    /// <summary>The mask at the end; null where nothing was pruned.</summary>
    public abstract Mask? LoadMask();

    /// <summary>Puts the weights at the end, or those after one of the <see cref="Checkpoints"/>, into a model.</summary>
    /// <exception cref="WorkbookException">They don't fit the model, or are not kept.</exception>
    public abstract void LoadInto(nn.Module model, long? checkpoint = null);

    /// <summary>A curve by its name.</summary>
    /// <exception cref="WorkbookException">The training has none of that name.</exception>
    internal Curve CurveOf(string name) => Metrics.TryGetValue(name, out Curve? curve) ? curve
        : throw new WorkbookException($"the training noted no '{name}'; it noted {string.Join(", ", Metrics.Keys)}: give it the probe");
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
            throw new WorkbookException($"the training kept no weights of {(checkpoint is { } step ? $"step {step}" : "its end")}; it "
                + $"kept {(weights.Count == 0 ? "none" : string.Join(", ", Checkpoints))}: ask for them with Probe.Checkpoints");
        }

        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor tensor) in model.state_dict())
        {
            tensor.copy_(kept[name]);
        }
    }
}
