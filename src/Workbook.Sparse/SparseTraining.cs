using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Layers as sparse as this are trained as <see cref="SparseLinear"/> and <see cref="SparseConv2d"/>: faster, and the same but for rounding. Afterwards
/// they are dense again. The mask has to stay the same, and weights are kept of the first and the last step only.
/// </summary>
/// <param name="From">The sparsity from which on a layer is exchanged, 0 to 1; more than 1 for never. Null for where it pays, by a rule and not by a clock,
/// so that seeds repeat; a model that then does not answer as before, or whose layers have hooks, is trained as it is.</param>
public sealed record SparseTraining(double? From = null) : TrainingPart, IOnlooker
{
    /// <summary>Where sparse layers paid on several processors; a changed rule is another training, and says so in the record.</summary>
    private const string Rule = "where they pay: linear layers from 0.6 on, above a million weights from 0.8 on, below ten thousand at any; convolutions in "
        + "batches of eight from 0.8 on; small convolutions with batch norm, ReLU and pooling, and linear layers behind them, at any";

    /// <inheritdoc/>
    public override string Name => "sparse layers";

    /// <summary>Whether a training can be given this part unasked: its mask stays, and all others look at no layer while it lasts.</summary>
    /// <param name="model">What is trained.</param>
    /// <param name="schedule">Of the training.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="parts">Its other parts.</param>
    internal static bool Suits(nn.Module model, MaskSchedule? schedule, Recipe recipe, IReadOnlyList<TrainingPart> parts) =>
        (schedule is Mask || (schedule is null && ConvChain.Pays(model, recipe.BatchSize)))
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
        if (From > 1 || (From is null ? Hooks.AreOn(training.Model) : training.Schedule is null))
        {
            return;
        }

        Mask? mask = training.Schedule is null ? null : training.Schedule as Mask
            ?? throw new WorkbookException("sparse layers are trained with a mask that stays, not with a schedule that changes it: leave the part out");
        using DisposeScope scope = NewDisposeScope();
        int batch = training.Recipe.BatchSize;
        Tensor? example = training.Data is { Count: > 0 } data ? data.Inputs : null;
        Trial? trial = From is null && example is not null ? Trial.Of(training.Model, example) : null;
        if (From is null && trial is null)
        {
            return;
        }

        Mask? remaining = From is null ? InOneStep(training, mask, trial!, example!) : null;
        if (remaining is null)
        {
            if (mask is null)
            {
                return;
            }

            remaining = Sparse.Exchange(training.Model, mask, batch, 1,
                (layer, sparsity) => From is { } from ? sparsity >= from : Pays(layer, sparsity, batch), example).Remaining;
            if (trial?.Passes() == false)
            {
                Sparse.ToDense(training.Model); // e.g. weights that two layers share
                return;
            }
        }

        long first = training.Recipe.FirstStep;
        long[] kept = [.. training.Parts.OfType<CheckpointProbe>().SelectMany(p => p.Steps)];
        if ((mask is null || remaining.Count < mask.Count) && kept.Any(step => step != first))
        {
            throw new WorkbookException($"a training with sparse layers keeps the weights of its first and last step only, not "
                + $"of {string.Join(", ", kept)}: leave the part out");
        }

        training.Held = mask is null ? null : remaining;
        if (training.Backward is null && (trial ?? (example is null ? null : Trial.Of(training.Model, example))) is { } answers
            && LinearChain.Of(training.Model, answers) is { } chain)
        {
            training.Backward = chain.Step;
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        (training.Backward?.Target as IDisposable)?.Dispose();
        Sparse.ToDense(training.Model);
    }

    /// <summary>Exchanges all layers of a small convolutional network, which then takes its steps without autograd.</summary>
    /// <returns>The mask of what was not exchanged; null where nothing was.</returns>
    private static Mask? InOneStep(TrainingProgress training, Mask? mask, Trial trial, Tensor example)
    {
        nn.Module<Tensor, Tensor> model = training.Model;
        int batch = training.Recipe.BatchSize;
        if (!ConvChain.Pays(model, batch))
        {
            return null;
        }

        Mask remaining = Sparse.Exchange(model, mask ?? Mask.Full(model), batch, 1, (layer, _) => layer is Linear or Conv2d, example).Remaining;
        if (trial.Passes() && ConvChain.Of(model, trial, example) is { } chain)
        {
            training.Backward = chain.Step;
            return remaining;
        }

        Sparse.ToDense(model);
        return null;
    }

    private static bool Pays(nn.Module layer, double sparsity, int batch) => layer switch
    {
        Linear { weight: var weight } => Fits(weight) && sparsity >= (weight.numel() > 1_000_000 ? 0.8 : weight.numel() < 10_000 ? 0 : 0.6),
        Conv2d { weight: var weight } => Fits(weight) && sparsity >= 0.8 && Planes.Suit(batch),
        _ => false,
    };

    private static bool Fits(Tensor weight) => weight.dtype == ScalarType.Float32 && weight.device_type == DeviceType.CPU;
}
