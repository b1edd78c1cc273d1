using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// How fast a layer is when it multiplies only the weights that are left, beside itself with all of them. The terms are those of Park et al. 2017: one
/// multiplication of the sparse layer takes <see cref="Alpha"/> times as long, so it is faster as soon as less than 1 / α of the weights are left.
/// </summary>
/// <param name="Sparsity">Fraction of the weights that is gone, 0 to 1.</param>
/// <param name="TimesAsFast">Time of the dense layer over that of the sparse one, the median of pairs in turn.</param>
/// <param name="Gigaflops">10⁹ additions and multiplications with weights that are left a second, in the fastest turn.</param>
/// <param name="DenseGigaflops">The same of the dense layer, with all weights.</param>
/// <param name="Operations">Additions and multiplications with weights that are left, of a call.</param>
/// <param name="Bytes">Inputs and outputs, and of each weight that is left the number and its place, once each.</param>
public sealed record LayerSpeed(double Sparsity, double TimesAsFast, double Gigaflops, double DenseGigaflops, double Operations, long Bytes)
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(1);

    /// <summary>How many times as long as one of the dense layer a multiplication of the sparse one takes, in the fastest turns of both; infinite where no
    /// weight is left.</summary>
    public double Alpha => DenseGigaflops / Gigaflops;

    /// <summary>From this sparsity on the sparse layer is faster, if a multiplication takes <see cref="Alpha"/> times as long at all of them.</summary>
    public double Pays => Math.Max(0, 1 - (1 / Alpha));

    /// <summary>Additions and multiplications a byte.</summary>
    public double Intensity => Operations / Bytes;

    /// <summary>Which part of what the machine allows at most is reached.</summary>
    /// <param name="roof">The machine.</param>
    public double PartOf(Roof roof)
    {
        ArgumentNullException.ThrowIfNull(roof);
        return Gigaflops / roof.Limit(Intensity, Bytes);
    }

    /// <summary>Measures both on one thread, without gradients. What goes into the sparse layer is as layers before it leave it: with several images or
    /// examples in the layout that <see cref="Sparse.Convert"/> keeps between layers.</summary>
    /// <param name="dense">A Linear or a Conv2d; it stays as it is.</param>
    /// <param name="kept">As its weights, 1 (or true) where one is left.</param>
    /// <param name="input">[batch, in] or [batch, in, height, width].</param>
    /// <param name="pairs">Turns of each, of 1 ms and three calls at least, 1 or more.</param>
    /// <exception cref="WorkbookException">The layer is of another kind, or can't be sparse so; the input is not for it, or there are no pairs.</exception>
    public static LayerSpeed Measure(nn.Module<Tensor, Tensor> dense, Tensor kept, Tensor input, int pairs = 5)
    {
        ArgumentNullException.ThrowIfNull(dense);
        ArgumentNullException.ThrowIfNull(input);
        if (pairs < 1)
        {
            throw new WorkbookException($"{pairs} pairs can't be timed: at least 1 is needed");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SparseLayer sparse = dense switch
        {
            Conv2d conv => new SparseConv2d(conv, kept),
            Linear linear => new SparseLinear(linear, kept),
            _ => throw new WorkbookException($"the speed of a Linear or a Conv2d can be measured, not of a {dense.GetType().Name}"),
        };
        Tensor its = InLayout(sparse, input), output = sparse.forward(its);
        int threads = get_num_threads();
        try
        {
            set_num_threads(1);
            (double[] Dense, double[] Sparse) turns =
                Turns.Take(() => dense.forward(input).Dispose(), () => sparse.forward(its).Dispose(), pairs, s_turn, calls: 3);
            double all = kept.numel(), left = sparse.Values.numel(), places = (double)dense.forward(input).numel() / dense.parameters().First().shape[0];
            return new(1 - (left / all), Turns.Ratio(turns), 2 * left * places / turns.Sparse.Min() / 1e9, 2 * all * places / turns.Dense.Min() / 1e9,
                2 * left * places, (sizeof(float) * (its.numel() + output.numel())) + ((sizeof(float) + sizeof(int)) * (long)left));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    /// <summary>The sparsity from which on the sparse layer is faster: between two that were measured, by the logarithm of the ratio.</summary>
    /// <param name="sparsities">Rising.</param>
    /// <param name="timesAsFast">How many times as fast the sparse layer is at each.</param>
    /// <returns>The lowest of them, where it is faster there already; null where it is never.</returns>
    public static double? BreakEven(IReadOnlyList<double> sparsities, IReadOnlyList<double> timesAsFast)
    {
        ArgumentNullException.ThrowIfNull(sparsities);
        ArgumentNullException.ThrowIfNull(timesAsFast);
        int first = Enumerable.Range(0, timesAsFast.Count).FirstOrDefault(i => timesAsFast[i] >= 1, -1);
        return first < 0 ? null : first == 0 ? sparsities[0]
            : double.Lerp(sparsities[first - 1], sparsities[first],
                -Math.Log(timesAsFast[first - 1]) / Math.Log(timesAsFast[first] / timesAsFast[first - 1]));
    }

    private static Tensor InLayout(SparseLayer layer, Tensor input)
    {
        if (layer is not SparseConv2d conv)
        {
            return input.dim() == 2 ? input.t().contiguous().t() : input;
        }

        conv.GivesPlanes = conv.IsUsual && input.dim() == 4 && Planes.Suit(input.shape[0]);
        return conv.GivesPlanes ? PlanesFunction.Planes(input) : input;
    }
}
