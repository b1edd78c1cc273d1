using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// An L2 penalty that grows (Wang et al. 2021, GReg-1; on the groups of Fang et al. 2023) on everything that is to go: before it is removed it shrinks to
/// nearly nothing, while the rest takes over. After each step what goes is multiplied by 1 − rate · penalty, apart from the gradient, so that
/// neither momentum nor Adam scales it.
/// </summary>
/// <param name="Going">What it prunes is to go, e.g. as a <see cref="ChannelPruner"/> chose it; the training itself is given no mask.</param>
public sealed record GrowingRegularization(Mask Going) : TrainingPart
{
    private static readonly ConditionalWeakTable<TrainingProgress, Shrinking> s_underWay = [];

    /// <summary>By how much the penalty grows at a time.</summary>
    public double Growth { get; init; } = 1e-4;

    /// <summary>Steps from one growth to the next.</summary>
    public long Every { get; init; } = 10;

    /// <summary>Where the penalty ends.</summary>
    public double Most { get; init; } = 1;

    /// <inheritdoc/>
    public override string Name => "growing regularization";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"of {ContentHash.Of(Going)} by {Growth} every {Every} steps up to {Most}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (!(Growth > 0 && Most > 0 && double.IsFinite(Growth) && double.IsFinite(Most)) || Every < 1)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"a penalty grows by more than 0, every 1 or more steps, up to more than 0: not Growth = {Growth}, Every = {Every}, Most = {Most}"));
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        using DisposeScope scope = NewDisposeScope();
        s_underWay.Add(training, new([.. Going.FitTo(training.Model).Where(p => Going.SparsityOf(p.Name) > 0).Select(p =>
            (p.Parameter, p.Kept.logical_not().to(p.Parameter.dtype, p.Parameter.device).DetachFromDisposeScope()))]));
    }

    /// <inheritdoc/>
    public override void AfterStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        double penalty = Math.Min(Most, Growth * Math.Floor((double)(training.Step - training.Recipe.FirstStep) / Every));
        if (penalty > 0 && s_underWay.TryGetValue(training, out Shrinking? shrinking))
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            using Scalar by = -Math.Min(1, training.Recipe.RateAt(training.Step - 1, training.Steps) * penalty);
            foreach ((Parameter parameter, Tensor going) in shrinking.Parameters)
            {
                parameter.addcmul_(parameter, going, by);
            }
        }
    }

    /// <inheritdoc/>
    public override void End(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (s_underWay.TryGetValue(training, out Shrinking? shrinking))
        {
            s_underWay.Remove(training);
            Array.ForEach(shrinking.Parameters, p => p.Going.Dispose());
        }
    }

    /// <inheritdoc/>
    public override TrainingPart? Small(long examples) => this with { Every = 1 };

    private sealed record Shrinking((Parameter Parameter, Tensor Going)[] Parameters);
}
