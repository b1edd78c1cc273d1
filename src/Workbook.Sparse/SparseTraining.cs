using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Layers as sparse as this are trained as <see cref="SparseLinear"/> and <see cref="SparseConv2d"/>: faster, and the same but for rounding. Afterwards
/// they are dense again. The mask has to stay the same, and weights are kept of the first and the last step only.
/// </summary>
/// <param name="From">The sparsity from which on a layer is exchanged, 0 to 1; more than 1 for never. Null for where it pays, by a rule and not by a clock,
/// so that seeds repeat; a model that then does not answer as before is trained as it is.</param>
public sealed record SparseTraining(double? From = null) : TrainingPart, IOnlooker
{
    /// <summary>Where sparse layers paid on several processors; a changed rule is another training, and says so in the record.</summary>
    private const string Rule = "where they pay: linear layers from 0.6 on, above a million weights from 0.8 on, below ten thousand at any; convolutions in "
        + "batches of eight from 0.8 on";

    /// <inheritdoc/>
    public override string Name => "sparse layers";

    /// <summary>Whether a training can be given this part unasked: its mask stays, and all others look at no layer while it lasts.</summary>
    /// <param name="schedule">Of the training.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="parts">Its other parts.</param>
    internal static bool Suits(MaskSchedule? schedule, Recipe recipe, IReadOnlyList<TrainingPart> parts) => schedule is Mask
        && parts.All(p => p is IOnlooker and not SparseTraining && (p is not CheckpointProbe kept || kept.Steps.All(step => step == recipe.FirstStep)));

    /// <inheritdoc/>
    public override string Describe() => From is null ? Rule : FormattableString.Invariant($"from {From} on");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (From is { } from && !(from > 1))
        {
            Pruner.CheckSparsity(from);
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (training.Schedule is not { } schedule || From > 1)
        {
            return;
        }

        Mask mask = schedule as Mask
            ?? throw new WorkbookException("sparse layers are trained with a mask that stays, not with a schedule that changes it: leave the part out");
        using DisposeScope scope = NewDisposeScope();
        int batch = training.Recipe.BatchSize;
        Tensor? example = training.Data is { Count: > 0 } data ? data.Inputs : null;
        Trial? trial = From is null && example is not null ? Trial.Of(training.Model, example) : null;
        if (From is null && trial is null)
        {
            return;
        }

        Mask remaining = Sparse.Exchange(training.Model, mask, batch, 1,
            (layer, sparsity) => From is { } from ? sparsity >= from : Pays(layer, sparsity, batch), example).Remaining;
        if (trial?.Passes() == false)
        {
            Sparse.ToDense(training.Model); // e.g. weights that two layers share
            return;
        }

        long first = training.Recipe.FirstStep;
        long[] kept = [.. training.Parts.OfType<CheckpointProbe>().SelectMany(p => p.Steps)];
        if (remaining.Count < mask.Count && kept.Any(step => step != first))
        {
            throw new WorkbookException($"a training with sparse layers keeps the weights of its first and last step only, not "
                + $"of {string.Join(", ", kept)}: leave the part out");
        }

        training.Held = remaining;
        if ((trial ?? (example is null ? null : Trial.Of(training.Model, example))) is { } answers && LinearChain.Of(training.Model, answers) is { } chain)
        {
            training.Backward = (inputs, labels) => chain.Step(inputs, labels);
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        Sparse.ToDense(training.Model);
    }

    private static bool Pays(nn.Module layer, double sparsity, int batch) => layer switch
    {
        Linear { weight: var weight } => Fits(weight) && sparsity >= (weight.numel() > 1_000_000 ? 0.8 : weight.numel() < 10_000 ? 0 : 0.6),
        Conv2d { weight: var weight } => Fits(weight) && sparsity >= 0.8 && Planes.Suit(batch),
        _ => false,
    };

    private static bool Fits(Tensor weight) => weight.dtype == ScalarType.Float32 && weight.device_type == DeviceType.CPU;
}
