namespace Workbook;

/// <summary>What to note in a training, and when; <c>run[probe]</c> then gives what was noted.</summary>
public static class Probe
{
    /// <summary>Loss and accuracy on a set.</summary>
    /// <param name="data">The examples.</param>
    /// <param name="every">Steps between two notes, the first before the first step, the last after the last; by default a hundredth of the training.</param>
    /// <param name="name">What the set is called in the record; the data's own name where left out.</param>
    public static ScoreProbe Score(LabelledTensors data, long? every = null, string? name = null) => new(data, every, name);

    /// <summary>The gradient's norm on the same examples each time, and before and after each change of the mask.</summary>
    /// <param name="examples">All at once.</param>
    /// <param name="every">As for <see cref="Score"/>.</param>
    public static GradientNormProbe GradientNorm(LabelledTensors examples, long? every = null) => new(examples, every);

    /// <summary>The loss of the mini-batch.</summary>
    /// <param name="every">As for <see cref="Score"/>; nothing is noted before the first step.</param>
    public static LossProbe Loss(long? every = null) => new(every);

    /// <summary>Keeps the weights of some steps.</summary>
    /// <param name="steps">From the recipe's first step to the last; 0 is before the first.</param>
    public static CheckpointProbe Checkpoints(params long[] steps) => new(steps);
}

/// <summary>A probe that notes every so many steps, and after the last.</summary>
/// <param name="Every">Steps between two notes; null for a hundredth of the training.</param>
/// <typeparam name="T">What was noted.</typeparam>
public abstract record PeriodicProbe<T>(long? Every) : Probe<T>
{
    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (Every < 1)
        {
            throw new WorkbookException($"a training is noted every 1 or more steps, not every {Every}");
        }
    }

    /// <inheritdoc/>
    public override void Begin(TrainingProgress training) => Note(training);

    /// <inheritdoc/>
    public override void AfterStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (training.Step % (Every ?? Math.Max(1, training.Steps / 100)) == 0 || training.Step == training.Steps)
        {
            Note(training);
        }
    }

    /// <summary>Takes the notes of one step.</summary>
    protected abstract void Note(TrainingProgress training);

    private protected string Words => Every is null ? "" : $", every {Every} steps";
}

/// <summary>A set's loss and accuracy over a training.</summary>
/// <param name="Loss">Mean cross-entropy, in nats.</param>
/// <param name="Accuracy">Fraction classified right, 0 to 1.</param>
public sealed record ScoreCurves(Curve Loss, Curve Accuracy);

/// <summary>Scores a set: <see cref="Probe.Score"/>.</summary>
/// <param name="Data">The examples.</param>
/// <param name="Every">Steps between two notes.</param>
/// <param name="Called">What the set is called.</param>
public sealed record ScoreProbe(LabelledTensors Data, long? Every, string? Called) : PeriodicProbe<ScoreCurves>(Every), IOnlooker
{
    /// <inheritdoc/>
    public override string Name => Called ?? Data.Name;

    /// <inheritdoc/>
    public override string Describe() => $"scored on {Data.Hash}{Words}";

    /// <inheritdoc/>
    public override ScoreCurves Read(TrainingLog log) => new(log.CurveOf($"{Name} loss"), log.CurveOf($"{Name} accuracy"));

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => this with { Data = Data.Slice(0, Math.Min(examples, Data.Count)), Every = 1, Called = Name };

    /// <inheritdoc/>
    protected override void Note(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        Score score = Trainer.Evaluate(training.Model, Data);
        training.Note($"{Name} loss", score.Loss);
        training.Note($"{Name} accuracy", score.Accuracy);
    }
}

/// <summary>The loss of the mini-batch: <see cref="Probe.Loss"/>.</summary>
/// <param name="Every">Steps between two notes.</param>
public sealed record LossProbe(long? Every) : PeriodicProbe<Curve>(Every), IOnlooker
{
    /// <inheritdoc/>
    public override string Name => "training loss";

    /// <inheritdoc/>
    public override string Describe() => $"noted{Words}";

    /// <inheritdoc/>
    public override void Begin(TrainingProgress training)
    {
    }

    /// <inheritdoc/>
    public override Curve Read(TrainingLog log) => log.CurveOf(Name);

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => this with { Every = 1 };

    /// <inheritdoc/>
    protected override void Note(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        training.Note(Name, training.Loss);
    }
}

/// <summary>Keeps weights: <see cref="Probe.Checkpoints"/>.</summary>
/// <param name="Steps">Of which steps.</param>
public sealed record CheckpointProbe(IReadOnlyList<long> Steps) : Probe<IReadOnlyList<long>>, IOnlooker
{
    /// <inheritdoc/>
    public override string Name => "checkpoints";

    /// <inheritdoc/>
    public override string Describe() => string.Join(", ", Steps.Distinct().Order());

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (Steps.Any(step => step < recipe.FirstStep || step > steps))
        {
            throw new WorkbookException($"a training from step {recipe.FirstStep} to {steps} keeps no weights of "
                + $"step {Steps.First(step => step < recipe.FirstStep || step > steps)}");
        }
    }

    /// <inheritdoc/>
    public override void Begin(TrainingProgress training) => AfterStep(training);

    /// <inheritdoc/>
    public override void AfterStep(TrainingProgress training)
    {
        if (Steps.Contains(training.Step))
        {
            training.Keep();
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long> Read(TrainingLog log) => log.Checkpoints;

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => null;
}

/// <summary>The functions of a loop of one's own: they change nothing that is stored.</summary>
/// <param name="Step">Gets each step's number, from 1, and its loss.</param>
/// <param name="Changed">Called twice at each change of the mask.</param>
internal sealed record Callbacks(Action<long, double>? Step, Action<MaskChange>? Changed) : TrainingPart
{
    public override string Name => "callbacks";

    public override string Describe() => "";

    public override void AfterStep(TrainingProgress training) => Step?.Invoke(training.Step, training.Loss);

    public override void OnChange(TrainingProgress training, MaskChange change) => Changed?.Invoke(change);

    public override TrainingPart? Small(long examples) => null;
}
