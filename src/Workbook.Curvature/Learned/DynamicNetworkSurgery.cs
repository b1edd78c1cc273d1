using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Dynamic network surgery (Guo et al. 2016): a trained network goes on under a mask that takes weights and gives them back. A layer's weight goes where it
/// falls to 0.9 of a threshold, and is spliced in again where it has grown past 1.1 of it (eq. 3). Behind the mask all weights live on, moved by the gradients
/// of the network that runs with those that are left (eq. 2).
/// </summary>
/// <param name="Deviations">
/// The threshold is the mean of a layer's |w| before the first step, plus so many of their standard deviations; the paper gives no number for each network, its
/// code 4 in an example.
/// </param>
public sealed record DynamicNetworkSurgery(double Deviations) : LearnedSparsity
{
    private const double Goes = 0.9, ComesBack = 1.1;

    /// <summary>γ: after t steps the mask is looked at with probability (1 + γ·t)^−<see cref="Power"/>, each layer's by itself; 0: always.</summary>
    public double Slowing { get; init; } = 1e-4;

    /// <summary>The power of it.</summary>
    public double Power { get; init; } = 1;

    /// <summary>The step after which the mask stays; null: the training's end.</summary>
    public long? LastStep { get; init; }

    /// <inheritdoc/>
    public override string Name => "dynamic network surgery";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant(
        $"{Deviations} deviations, slowing {Slowing}, power {Power}, until {(LastStep is { } last ? $"step {last}" : "the end")}, {base.Describe()}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (!(double.IsFinite(Deviations) && Slowing >= 0 && double.IsFinite(Slowing) && Power >= 0 && double.IsFinite(Power)))
        {
            throw new WorkbookException(FormattableString.Invariant($"{Name} takes a finite number of deviations, and a slowing and a power from 0 on, not ")
                + FormattableString.Invariant($"Deviations = {Deviations}, Slowing = {Slowing}, Power = {Power}"));
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        base.Prepare(training);
        UnderWay all = Of(training)!;
        all.Numbers = [.. all.Layers.Select(layer => ThresholdOf(layer.Weight))];
        Look(all, _ => true);
    }

    /// <inheritdoc/>
    public override void AfterStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (Of(training) is { } all && training.Step < training.Steps && training.Step <= (LastStep ?? long.MaxValue))
        {
            double often = Math.Pow(1 + (Slowing * training.Step), -Power);
            Look(all, random => rand(1, generator: random).item<float>() < often);
        }
    }

    private protected override Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight) => HeldNumbers.Full(weight.shape, 1, weight.dtype);

    private protected override Tensor Noisy(Learned layer, Tensor input, Generator random)
    {
        // Its value is exactly the masked weight's, its gradient that of the weight, masked or not.
        Tensor behind = layer.Weight.detach();
        return Layers.Run(layer.Module, input, layer.Weight.Plus(Final(layer).detach().Plus(behind.neg())));
    }

    private protected override Tensor Final(Learned layer) => layer.Weight.mul(layer.More);

    private static void Look(UnderWay all, Func<Generator, bool> isLookedAt)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((Learned layer, double threshold) in all.Layers.Zip(all.Numbers).Where(_ => isLookedAt(all.Random)))
        {
            using Scalar low = Goes * threshold, high = ComesBack * threshold;
            Tensor size = layer.Weight.abs();
            layer.More.copy_(size.gt(high).logical_or(size.gt(low).logical_and(layer.More.ne(HeldNumbers.Zero))));
        }
    }

    /// <summary>Over the weights that are left: others are pruned already.</summary>
    private double ThresholdOf(Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor size = weight.detach().abs().to(ScalarType.Float64);
        size = size.masked_select(size.ne(HeldNumbers.Zero));
        return size.numel() == 0 ? 0 : Math.Max(0, size.mean().Value() + (Deviations * size.std(unbiased: false).Value()));
    }
}
