using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Pruning while the network is trained (Zhu and Gupta 2018): after step <paramref name="FirstStep"/> + k·<paramref name="Every"/>
/// the k-th sparsity is reached, k = 1, 2, … Before that everything in the pruner's scope is left.
/// </summary>
/// <param name="Pruner">Chooses what goes; gradients that it needs are those of the coming batch.</param>
/// <param name="Sparsities">Rising, e.g. <see cref="Schedule.Cubic"/>.</param>
/// <param name="FirstStep">The step from which the changes are counted.</param>
/// <param name="Every">Steps between two changes.</param>
public sealed record GradualPruning(Pruner Pruner, IReadOnlyList<double> Sparsities, long FirstStep, long Every) : MaskSchedule
{
    /// <inheritdoc/>
    public override Mask Start(nn.Module model) => Mask.Full(model, Pruner.Scope);

    /// <inheritdoc/>
    public override bool ChangesAfter(long step) => step > FirstStep && step <= LastStep && (step - FirstStep) % Every == 0;

    /// <inheritdoc/>
    public override Mask Next(nn.Module model, Mask mask, TrainingMoment moment) =>
        Pruner.Prune(model, Sparsities[(int)((moment.Step - FirstStep) / Every) - 1], mask);

    /// <inheritdoc/>
    public override string Describe(nn.Module model)
    {
        // A scope may have a function for the layers' sparsities, which only its values can tell.
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        string levels = ContentHash.Of(Pruner.Scope.Of(model)
            .Select(w => KeyValuePair.Create(w.Name, tensor(Sparsities.Select(s => Pruner.Scope.SparsityOf(w.Name, s)).ToArray()))))[..16];
        double last = Sparsities.DefaultIfEmpty(0).Last();
        return FormattableString.Invariant(
            $"gradual pruning to {last} in {Sparsities.Count} changes every {Every} steps after step {FirstStep}, by {Pruner}, levels {levels}");
    }

    /// <inheritdoc/>
    public override void Check(long steps)
    {
        CheckEvery(Every);
        if (FirstStep < 0)
        {
            throw new WorkbookException($"gradual pruning begins at a step from 0, not {FirstStep}");
        }

        CheckLast(LastStep, steps);
    }

    private long LastStep => FirstStep + (Every * Sparsities.Count);
}
