namespace Workbook;

/// <summary>The gradient's norm over a training.</summary>
/// <param name="All">Over all parameters.</param>
/// <param name="Layers">Layer (<c>fc1</c>) → over its own.</param>
/// <param name="BeforeChange">Just before each change of the mask; empty where it stays.</param>
/// <param name="AfterChange">Just after it, with the same weights but those that went or came.</param>
public sealed record GradientNormCurves(Curve All, IReadOnlyDictionary<string, Curve> Layers, Curve BeforeChange, Curve AfterChange);

/// <summary>Measures gradients in a training: <see cref="Probe.GradientNorm"/>.</summary>
/// <param name="Examples">All at once.</param>
/// <param name="Every">Steps between two notes.</param>
public sealed record GradientNormProbe(LabelledTensors Examples, long? Every) : PeriodicProbe<GradientNormCurves>(Every), IOnlooker
{
    private const string LayerPrefix = "gradient norm of ", Before = "gradient norm before change", After = "gradient norm after change";
    private static readonly Curve s_empty = new([], []);

    /// <inheritdoc/>
    public override string Name => "gradient norm";

    /// <inheritdoc/>
    public override string Describe() => $"on {Examples.Hash}{Words}";

    /// <inheritdoc/>
    public override void OnChange(TrainingProgress training, MaskChange change) =>
        training.Note(change.IsDone ? After : Before, GradientNorm.Of(training.Model, Examples, change.IsDone ? change.After : change.Before).All);

    /// <inheritdoc/>
    public override GradientNormCurves Read(TrainingLog log) => new(
        log.CurveOf(Name),
        log.Metrics.Where(m => m.Key.StartsWith(LayerPrefix, StringComparison.Ordinal)).ToDictionary(m => m.Key[LayerPrefix.Length..], m => m.Value),
        log.Metrics.GetValueOrDefault(Before, s_empty),
        log.Metrics.GetValueOrDefault(After, s_empty));

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => this with { Examples = Examples.Slice(0, Math.Min(examples, Examples.Count)), Every = 1 };

    /// <inheritdoc/>
    protected override void Note(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        GradientNorm norm = GradientNorm.Of(training.Model, Examples, training.Held);
        training.Note(Name, norm.All);
        foreach ((string layer, double ofLayer) in norm.Layers)
        {
            training.Note(LayerPrefix + layer, ofLayer);
        }
    }
}
