using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Initialization;

/// <summary>The fan that scales a variance.</summary>
public enum Fan
{
    /// <summary>Incoming connections of a unit.</summary>
    In,

    /// <summary>Outgoing connections.</summary>
    Out,

    /// <summary>The mean of both.</summary>
    Average,
}

/// <summary>Weights drawn with variance scale / fan, biases 0 (variance scaling: Glorot and Bengio 2010; He et al. 2015).</summary>
/// <param name="Scale">The variance times the fan: 1 for Glorot, 2 for He.</param>
/// <param name="Fan">The fan it is divided by.</param>
/// <param name="Uniform">Uniform, or else normal.</param>
public sealed record Initializer(double Scale, Fan Fan, bool Uniform)
{
    /// <summary>Variance 2 / (fan_in + fan_out), normal: what Frankle and Carbin (2019) use.</summary>
    public static Initializer GlorotNormal { get; } = new(1, Fan.Average, Uniform: false);

    /// <summary>Variance 2 / (fan_in + fan_out), uniform: the default of Keras.</summary>
    public static Initializer GlorotUniform { get; } = new(1, Fan.Average, Uniform: true);

    /// <summary>Variance 2 / fan_in, normal.</summary>
    public static Initializer HeNormal { get; } = new(2, Fan.In, Uniform: false);

    /// <summary>Variance 2 / fan_in, uniform.</summary>
    public static Initializer HeUniform { get; } = new(2, Fan.In, Uniform: true);

    /// <summary>Draws every weight of two and more dimensions anew and sets every bias to 0; norms are left alone.</summary>
    /// <param name="model">The model, changed in place.</param>
    /// <param name="seed">Same seed, same weights; each parameter has a stream of its own.</param>
    /// <returns>The model.</returns>
    public TModel Apply<TModel>(TModel model, int seed)
        where TModel : nn.Module
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            if (parameter.dim() > 1)
            {
                using Generator generator = RandomStream.Of(seed, "init", name);
                double deviation = Math.Sqrt(Scale / FanOf(parameter));
                _ = Uniform ? parameter.uniform_(-Math.Sqrt(3) * deviation, Math.Sqrt(3) * deviation, generator)
                    : parameter.normal_(0, deviation, generator);
            }
            else if (name.EndsWith("bias", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
        }

        return model;
    }

    private double FanOf(Tensor weight)
    {
        (long fanIn, long fanOut) = nn.init.CalculateFanInAndFanOut(weight);
        return Fan switch { Fan.In => fanIn, Fan.Out => fanOut, _ => (fanIn + fanOut) / 2.0 };
    }
}
