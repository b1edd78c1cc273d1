using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Further parameters that are learned along with the weights, and that a penalty drives towards sparsity.</summary>
/// <param name="Strength">What the penalty counts, beside the mean cross-entropy in nats.</param>
public abstract record PenalizedSparsity(double Strength) : LearnedSparsity
{
    /// <summary>The learning rate of the further parameters, by Adam.</summary>
    public double Rate { get; init; } = 0.01;

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"strength {Strength}, rate {Rate}, {base.Describe()}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (!(Strength >= 0 && double.IsFinite(Strength) && Rate > 0 && double.IsFinite(Rate)))
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"{Name} takes a strength from 0 on and a rate above 0, not Strength = {Strength}, Rate = {Rate}"));
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        base.Prepare(training);
        UnderWay all = Of(training)!;
        all.Optimizer = new SafeAdam([new Adam.ParamGroup([.. all.Layers.Select(l => l.More)], Rate)], Rate);
    }

    /// <inheritdoc/>
    public override void BeforeStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (Of(training) is { } all)
        {
            using DisposeScope scope = NewDisposeScope();
            all.Layers.Select(Penalty).Aggregate((a, b) => a.Plus(b)).Times(Strength).backward();
            all.Optimizer!.step();
            all.Layers.ForEach(layer => layer.More.grad = null);
        }
    }

    /// <summary>A scalar.</summary>
    private protected abstract Tensor Penalty(Learned layer);
}
