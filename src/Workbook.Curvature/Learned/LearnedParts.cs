using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// L0 regularization by hard-concrete gates (Louizos et al. 2018): a linear layer's inputs, and a convolution's output channels, are multiplied by gates
/// between 0 and 1, which are drawn at each step and often exactly 0; the penalty is the expected number of weights whose gate is open, in eq. 12.
/// </summary>
/// <param name="Strength">What an open weight costs; 0.1 / examples in the paper.</param>
public sealed record HardConcrete(double Strength) : PenalizedSparsity(Strength)
{
    private const double Beta = 2.0 / 3, Low = -0.1, High = 1.1;

    /// <summary>The probability that a gate is closed at the start, before it is stretched; 0.5 in the paper, and 0.2 for pixels.</summary>
    public double Closed { get; init; } = 0.2;

    /// <inheritdoc/>
    public override string Name => "hard-concrete gates";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"{base.Describe()}, closed {Closed}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        base.Check(recipe, steps);
        if (Closed is not (> 0 and < 1))
        {
            throw new WorkbookException(FormattableString.Invariant($"a gate is closed at the start with a probability between 0 and 1, not {Closed}"));
        }
    }

    private protected override Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight) =>
        HeldNumbers.Full(module is Conv2d ? [weight.shape[0], 1, 1, 1] : [1, weight.shape[1]], Math.Log((1 - Closed) / Closed), weight.dtype);

    private protected override Tensor Noisy(Learned layer, Tensor input, Generator random)
    {
        Tensor uniform = rand(layer.More.shape, generator: random).to(layer.More.dtype).Times(1 - 2e-6).Plus(1e-6);
        Tensor noise = uniform.log().Plus(uniform.neg().Plus(1).log().neg());
        return Layers.Run(layer.Module, input, layer.Weight.mul(Stretched(layer.More.Plus(noise).Over(Beta))));
    }

    private protected override Tensor Final(Learned layer) => layer.Weight.mul(Stretched(layer.More));

    private protected override Tensor Penalty(Learned layer) =>
        layer.More.Plus(-Beta * Math.Log(-Low / High)).sigmoid().sum().Times((double)layer.Weight.numel() / layer.More.numel());

    private static Tensor Stretched(Tensor logits)
    {
        using Scalar zero = 0.0, one = 1.0;
        return logits.sigmoid().Times(High - Low).Plus(Low).clamp(zero, one);
    }
}

/// <summary>
/// Sparse variational dropout (Molchanov et al. 2017): each weight has noise of a variance of its own, learned with it; where the noise's variance is many
/// times the weight's square, log α > <see cref="Threshold"/>, the weight says nothing and goes. The penalty is the Kullback–Leibler divergence from the
/// log-uniform prior (eq. 14).
/// </summary>
/// <param name="Strength">What a nat of it counts: 1 / examples, less in the first epochs.</param>
public sealed record VariationalDropout(double Strength) : PenalizedSparsity(Strength)
{
    /// <summary>log α above which a weight goes; 3 in the paper.</summary>
    public double Threshold { get; init; } = 3;

    /// <summary>log σ² at the start; −10 in the authors' code.</summary>
    public double LogVariance { get; init; } = -10;

    /// <inheritdoc/>
    public override string Name => "sparse variational dropout";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"{base.Describe()}, threshold {Threshold}, from {LogVariance}");

    private protected override Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight) => HeldNumbers.Full(weight.shape, LogVariance, weight.dtype);

    private protected override Tensor Noisy(Learned layer, Tensor input, Generator random)
    {
        // The noise of the outputs, not of the weights: less variance, and as many draws as outputs (local reparameterization).
        Tensor mean = Layers.Run(layer.Module, input, layer.Weight);
        Tensor variance = Layers.Run(layer.Module, input.Squared(), layer.More.exp(), withBias: false).Plus(1e-8);
        return mean.Plus(variance.sqrt().mul(randn(mean.shape, generator: random).to(mean.dtype)));
    }

    private protected override Tensor Final(Learned layer)
    {
        using Scalar threshold = Threshold;
        return layer.Weight.masked_fill(LogAlpha(layer).gt(threshold), HeldNumbers.Zero);
    }

    private protected override Tensor Penalty(Learned layer)
    {
        Tensor alpha = LogAlpha(layer);
        Tensor gain = alpha.Times(1.48695).Plus(1.87320).sigmoid().Times(0.63576);
        return gain.neg().Plus(alpha.neg().exp().log1p().Times(0.5)).Plus(0.63576).sum();
    }

    private static Tensor LogAlpha(Learned layer)
    {
        using Scalar low = -10.0, high = 10.0;
        return layer.More.Plus(layer.Weight.Squared().Plus(1e-8).log().neg()).clamp(low, high);
    }
}

/// <summary>
/// Soft threshold reparameterization (Kusupati et al. 2020): a layer runs with sign(w)·max(|w| − σ(s), 0), and learns its threshold s; the penalty ½·s² draws
/// it up, towards σ(0) = ½ (eq. 3 and 6).
/// </summary>
/// <param name="Strength">The decay of s; that of the weights in the paper.</param>
public sealed record SoftThreshold(double Strength) : PenalizedSparsity(Strength)
{
    /// <summary>s at the start: the threshold there is σ(s).</summary>
    public double Initial { get; init; } = -7;

    /// <inheritdoc/>
    public override string Name => "soft thresholds";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"{base.Describe()}, from {Initial}");

    private protected override Tensor Start(nn.Module<Tensor, Tensor> module, Parameter weight) => HeldNumbers.Full([1], Initial, weight.dtype);

    private protected override Tensor Noisy(Learned layer, Tensor input, Generator random) => Layers.Run(layer.Module, input, Final(layer));

    private protected override Tensor Final(Learned layer) => layer.Weight.sign().mul(layer.Weight.abs().Plus(layer.More.sigmoid().neg()).relu());

    private protected override Tensor Penalty(Learned layer) => layer.More.Squared().sum().Times(0.5);
}

/// <summary>
/// Network slimming (Liu et al. 2017): an L1 penalty on the scales of batch norms while training, after which a <see cref="ChannelPruner"/> with
/// <see cref="ScoredSlices.BatchNormScale"/> and <see cref="Scope.Global"/> takes the channels whose scales are small: its mask is the outcome.
/// </summary>
/// <param name="Strength">λ; 1e-4 to 1e-5 in the paper.</param>
public sealed record NetworkSlimming(double Strength) : TrainingPart
{
    /// <inheritdoc/>
    public override string Name => "network slimming";

    /// <inheritdoc/>
    public override string Describe() => FormattableString.Invariant($"strength {Strength}");

    /// <inheritdoc/>
    public override void Check(Recipe recipe, long steps)
    {
        if (!(Strength >= 0 && double.IsFinite(Strength)))
        {
            throw new WorkbookException(FormattableString.Invariant($"network slimming takes a strength from 0 on, not {Strength}"));
        }
    }

    /// <inheritdoc/>
    public override void Prepare(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        if (!Scales(training).Any())
        {
            throw new WorkbookException("network slimming needs batch norms with scales: the model has none");
        }
    }

    /// <inheritdoc/>
    public override void BeforeStep(TrainingProgress training)
    {
        ArgumentNullException.ThrowIfNull(training);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Scalar strength = Strength;
        foreach (Tensor scale in Scales(training))
        {
            scale.grad?.add_(scale.sign(), strength);
        }
    }

    private static IEnumerable<Tensor> Scales(TrainingProgress training) =>
        training.Model.modules().OfType<BatchNorm>().Select(norm => (Tensor?)norm.weight).OfType<Tensor>();
}
