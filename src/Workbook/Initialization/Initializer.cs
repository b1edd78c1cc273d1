using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

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

/// <summary>What a mask does to the variance of the weights that it keeps.</summary>
public enum MaskScaling
{
    /// <summary>Nothing: the usual initialization, which takes all connections to be there ("Scratch").</summary>
    Dense,

    /// <summary>The layer's is divided by its density (Liu et al. 2019).</summary>
    Layer,

    /// <summary>
    /// Each weight's comes from the connections that are left of the unit that it goes to, and, where the fan asks for
    /// it, of the unit that it comes from (Evci et al. 2022, eq. 2: "Scratch+").
    /// </summary>
    Unit,
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

    /// <summary>
    /// Draws the weights of two and more dimensions (<see cref="Prunable.Weights"/>) anew and sets every bias and every norm's shift to 0; norms' scales and
    /// other parameters of one's own are left alone.
    /// </summary>
    /// <param name="model">The model, changed in place.</param>
    /// <param name="seed">Same seed, same weights; each parameter has a stream of its own.</param>
    /// <returns>The model.</returns>
    public TModel Apply<TModel>(TModel model, int seed)
        where TModel : nn.Module => Apply(model, seed, null, MaskScaling.Dense);

    /// <summary>As the other overload, for a network of which a mask keeps a part; pruned weights are 0.</summary>
    /// <param name="model">The model, changed in place.</param>
    /// <param name="seed">Same seed, same weights up to their scale.</param>
    /// <param name="mask">What is left; layers that it does not name are drawn as usual.</param>
    /// <param name="scaling">What it does to the variance. All three agree if the mask keeps everything.</param>
    /// <returns>The model.</returns>
    /// <exception cref="WorkbookException">The mask does not fit the model.</exception>
    public TModel Apply<TModel>(TModel model, int seed, Mask? mask, MaskScaling scaling)
        where TModel : nn.Module
    {
        ArgumentNullException.ThrowIfNull(model);
        using BoundMask? left = mask?.Bind(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter parameter, Prunable.Role role) in Prunable.Roles(model))
        {
            if (role == Prunable.Role.Weight && parameter.dim() > 1)
            {
                using Generator generator = RandomStream.Of(seed, "init", name);
                double deviation = Math.Sqrt(Scale / FanOf(parameter));
                _ = Uniform ? parameter.uniform_(-Math.Sqrt(3) * deviation, Math.Sqrt(3) * deviation, generator)
                    : parameter.normal_(0, deviation, generator);
                if (scaling != MaskScaling.Dense && mask is not null && mask.TryGetValue(name, out Tensor? kept))
                {
                    parameter.mul_((scaling == MaskScaling.Layer ? DensityOf(kept) : FanOfUnits(kept).Over(FanOf(parameter))).rsqrt());
                }
            }
            else if (role == Prunable.Role.Bias)
            {
                parameter.zero_();
            }
        }

        left?.Apply();
        return model;
    }

    private static Tensor DensityOf(Tensor kept) => kept.sum().to(ScalarType.Float64).AtLeast(1).Over(kept.numel());

    /// <summary>The fan of each weight, counted over what is left: [out, 1, …], [1, in, …] or both together.</summary>
    private Tensor FanOfUnits(Tensor kept)
    {
        Tensor counts = kept.to(ScalarType.Float64);
        long[] kernel = [.. Enumerable.Range(2, (int)kept.dim() - 2).Select(d => (long)d)];
        Tensor fanIn = counts.sum([1, .. kernel], keepdim: true), fanOut = counts.sum([0, .. kernel], keepdim: true);
        return (Fan switch { Fan.In => fanIn, Fan.Out => fanOut, _ => fanIn.Plus(fanOut).Over(2) }).AtLeast(1); // where nothing is left nothing is drawn
    }

    private double FanOf(Tensor weight)
    {
        (long fanIn, long fanOut) = nn.init.CalculateFanInAndFanOut(weight);
        return Fan switch { Fan.In => fanIn, Fan.Out => fanOut, _ => (fanIn + fanOut) / 2.0 };
    }
}
