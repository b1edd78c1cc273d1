using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A <see cref="BatchNorm2d"/> that takes planes too, over the same parameters and statistics.</summary>
internal sealed class PlanesNorm : nn.Module<Tensor, Tensor>, IPlanesLayer, IStandIn
{
    [ComponentName(Name = "weight")]
    private readonly Parameter? _weight;
    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;
    [ComponentName(Name = "running_mean")]
    private readonly Tensor? _mean;
    [ComponentName(Name = "running_var")]
    private readonly Tensor? _variance;
    [ComponentName(Name = "num_batches_tracked")]
    private readonly Tensor? _batches;
    private readonly BatchNorm2d _norm;

    internal PlanesNorm(BatchNorm2d norm)
        : base(nameof(PlanesNorm))
    {
        _norm = norm;
        (_weight, _bias, _mean, _variance, _batches) = (norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Layer => _norm;

    internal BatchNorm2d Norm => _norm;

    /// <inheritdoc/>
    public bool GivesPlanes { get; set; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        if (_norm.training != training)
        {
            _norm.train(training);
        }

        using DisposeScope scope = NewDisposeScope();
        // A single number a channel has no variance: torch says so.
        Tensor output = Planes.Are(input) && Planes.Places(input) > 1 ? Normalized(input) : _norm.call(PlanesFunction.Images(input));
        return Planes.Given(output, GivesPlanes).MoveToOuterDisposeScope();
    }

    /// <summary>Moves the statistics that are kept towards those of a batch.</summary>
    /// <param name="count">Numbers that each channel had.</param>
    /// <param name="mean">Of each channel.</param>
    /// <param name="variance">Of each channel, biased.</param>
    internal void Track(double count, float[] mean, float[] variance)
    {
        using IDisposable noGrad = no_grad();
        _batches?.add_(HeldNumbers.One, HeldNumbers.One);
        double factor = _norm.momentum ?? 1.0 / _batches!.item<long>();
        Towards(_mean!, mean, 1);
        Towards(_variance!, variance, count / (count - 1)); // the variance that it keeps is the unbiased one

        void Towards(Tensor statistic, float[] now, double times)
        {
            Span<float> kept = statistic.contiguous().data<float>().ToArray();
            for (int c = 0; c < kept.Length; c++)
            {
                kept[c] = (float)(((1 - factor) * kept[c]) + (factor * times * now[c]));
            }

            statistic.copy_(tensor(kept.ToArray()));
        }
    }

    private Tensor Normalized(Tensor input)
    {
        bool ofBatch = training || _mean is null;
        (float[] mean, float[] variance) = ofBatch ? NormFunction.Moments(input) : (_mean!.data<float>().ToArray(), _variance!.data<float>().ToArray());
        if (training && _mean is not null)
        {
            Track(Planes.Places(input), mean, variance);
        }

        NormCall call = new(mean, [.. variance.Select(v => (float)(1 / Math.Sqrt(v + _norm.eps)))], _norm.eps, ofBatch);
        return is_grad_enabled() && (input.requires_grad || _weight is { requires_grad: true } || _bias is { requires_grad: true })
            ? NormFunction.apply(input, _weight!, _bias!, call) : NormFunction.Of(input, _weight, _bias, call);
    }
}
