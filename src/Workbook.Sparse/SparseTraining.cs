namespace Workbook;

/// <summary>
/// Layers as sparse as this are trained as <see cref="SparseLinear"/>: faster, and the same but for rounding. Afterwards
/// they are dense again. The mask has to stay the same, and weights are kept of the first and the last step only.
/// </summary>
/// <param name="From">The sparsity from which on a layer is exchanged, 0 to 1.</param>
public sealed record SparseTraining(double From) : TrainingPart
{
    /// <inheritdoc/>
    public override string Name => "sparse layers";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"from {From} on");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps) => Pruner.CheckSparsity(From);

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (training.Schedule is not { } schedule)
        {
            return;
        }

        Mask mask = schedule as Mask
            ?? throw new WorkbookException("sparse layers are trained with a mask that stays, not with a schedule that changes it: leave the part out");
        Mask remaining = Sparse.Convert(training.Model, mask, training.Recipe.BatchSize, fromSparsity: From).Remaining;
        long first = training.Recipe.FirstStep;
        long[] kept = [.. training.Parts.OfType<CheckpointProbe>().SelectMany(p => p.Steps)];
        if (remaining.Count < mask.Count && kept.Any(step => step != first))
        {
            throw new WorkbookException($"a training with sparse layers keeps the weights of its first and last step only, not "
                + $"of {string.Join(", ", kept)}: leave the part out");
        }

        training.Held = remaining;
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        Sparse.ToDense(training.Model);
    }
}
