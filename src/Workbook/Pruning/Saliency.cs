using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Pruning;

/// <summary>What a weight is worth. The least worth go first; a new criterion is one class.</summary>
public abstract class Saliency
{
    /// <summary>Scores every weight of a parameter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="weight">The parameter, any shape; its <c>grad</c> is set if the caller ran a backward pass.</param>
    /// <returns>A tensor of the same shape; a higher score is kept longer.</returns>
    /// <exception cref="WorkbookException">The criterion needs something that is missing.</exception>
    public abstract Tensor Score(string name, Parameter weight);

    /// <summary>|w|: what is closest to zero goes first (Han et al. 2015).</summary>
    public static Saliency Magnitude { get; } = new MagnitudeSaliency();

    /// <summary>
    /// |g·w|: to first order, how much the loss changes without the weight (Mozer and Smolensky 1989; Lee et al. 2019, SNIP, eq. 6).
    /// Needs gradients: run a backward pass first.
    /// </summary>
    public static Saliency GradientTimesWeight { get; } = new GradientTimesWeightSaliency();

    /// <summary>A number drawn for each weight: the control that every criterion has to beat.</summary>
    /// <param name="seed">Same seed, same scores, in whatever order the layers are asked for.</param>
    public static Saliency Random(int seed) => new RandomSaliency(seed);

    private sealed class MagnitudeSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => weight.abs();
    }

    private sealed class GradientTimesWeightSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => (weight.grad
            ?? throw new WorkbookException($"'{name}' has no gradient: run a backward pass before pruning by gradient·weight")).mul(weight).abs();
    }

    private sealed class RandomSaliency(int seed) : Saliency
    {
        public override Tensor Score(string name, Parameter weight)
        {
            using Generator generator = RandomStream.Of(seed, "saliency", name);
            return rand(weight.shape, generator: generator);
        }
    }
}
