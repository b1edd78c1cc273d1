using System.Runtime.CompilerServices;

namespace Workbook.Notebook;

/// <summary>Shows a <see cref="ProgressBar"/> while one training goes on; a training that the store has already shows none.</summary>
/// <param name="Title">What is under way.</param>
public sealed record TrainingBar(string Title) : TrainingPart, IOnlooker
{
    private static readonly ConditionalWeakTable<TrainingProgress, ProgressBar> s_bars = [];

    /// <inheritdoc/>
    public override string Name => "progress bar";

    /// <inheritdoc/>
    public override string Describe() => "";

    /// <inheritdoc/>
    public override void Begin(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (training.Steps > training.Step)
        {
            s_bars.Add(training, ProgressBar.Start(Title, (int)(training.Steps - training.Step)));
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(TrainingProgress training)
    {
        if (s_bars.TryGetValue(training, out ProgressBar? bar))
        {
            bar.Step();
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        if (s_bars.TryGetValue(training, out ProgressBar? bar))
        {
            bar.Dispose();
            s_bars.Remove(training);
        }
    }

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => null;
}
