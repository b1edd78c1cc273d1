using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a weight is worth. The least worth go first; a new criterion is one class, whose <c>ToString</c> stands for it in the records of stored
/// runs.</summary>
public abstract class Saliency
{
    /// <summary>Scores every weight of a parameter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="weight">The parameter, any shape; its <c>grad</c> is set if the caller ran a backward pass.</param>
    /// <returns>A tensor of the same shape; a higher score is kept longer. Products of small numbers need float32 at least, whatever the weights are.</returns>
    /// <exception cref="WorkbookException">The criterion needs something that is missing.</exception>
    public abstract Tensor Score(string name, Parameter weight);

    /// <summary>|w|: what is closest to zero goes first (Han et al. 2015).</summary>
    public static Saliency Magnitude { get; } = new MagnitudeSaliency();

    /// <summary>|g|: how fast the loss changes with the weight, pruned or not (Evci et al. 2020, RigL). Needs gradients: run a backward pass first.</summary>
    public static Saliency GradientMagnitude { get; } = new GradientMagnitudeSaliency();

    /// <summary>The other way round: what this one values most goes first.</summary>
    public Saliency Inverted => new InvertedSaliency(this);

    /// <summary>
    /// |g·w|: to first order, how much the loss changes without the weight (Mozer and Smolensky 1989; Lee et al. 2019, SNIP, eq. 6).
    /// Needs gradients: run a backward pass first.
    /// </summary>
    public static Saliency GradientTimesWeight { get; } = new GradientTimesWeightSaliency();

    /// <summary>
    /// (g·w)²: the squared first-order Taylor term (Molchanov et al. 2019, eq. 8), weight by weight; with
    /// <see cref="Granularity.Along"/> and n = 1 summed over a unit. Needs gradients, as <see cref="GradientTimesWeight"/>.
    /// </summary>
    public static Saliency Taylor { get; } = new TaylorSaliency();

    /// <summary>Scores of one's own (<c>importance_scores</c>).</summary>
    /// <param name="scores">Parameter name → a tensor of its shape; a higher score is kept longer.</param>
    public static Saliency Given(IReadOnlyDictionary<string, Tensor> scores) => new GivenSaliency(scores);

    /// <summary>A number drawn for each weight: the control that every criterion has to beat.</summary>
    /// <param name="seed">Same seed, same scores, in whatever order the layers are asked for.</param>
    public static Saliency Random(int seed) => Random(seed, "saliency");

    internal static Saliency Random(int seed, params string[] stream) => new RandomSaliency(seed, stream);

    private sealed class MagnitudeSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => weight.AtLeastSingle().abs();

        public override string ToString() => "magnitude";
    }

    private sealed class GradientTimesWeightSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => Gradient(name, weight, "gradient·weight").mul(weight.AtLeastSingle()).abs();

        public override string ToString() => "gradient·weight";
    }

    private sealed class GradientMagnitudeSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => Gradient(name, weight, "gradient").abs();

        public override string ToString() => "gradient magnitude";
    }

    private sealed class InvertedSaliency(Saliency saliency) : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => saliency.Score(name, weight).neg();

        public override string ToString() => $"inverted {saliency}";
    }

    private sealed class TaylorSaliency : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => GradientTimesWeight.Score(name, weight).square();

        public override string ToString() => "Taylor";
    }

    private sealed class GivenSaliency(IReadOnlyDictionary<string, Tensor> scores) : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => !scores.TryGetValue(name, out Tensor? score)
            ? throw new WorkbookException($"there are no scores for '{name}'; there are for {string.Join(", ", scores.Keys)}")
            : score.shape.SequenceEqual(weight.shape) ? score
            : throw new WorkbookException($"the scores of '{name}' have shape [{string.Join(", ", score.shape)}], the parameter "
                + $"[{string.Join(", ", weight.shape)}]");

        public override string ToString() => $"given scores {ContentHash.Of(scores)}";
    }

    private sealed class RandomSaliency(int seed, string[] stream) : Saliency
    {
        public override Tensor Score(string name, Parameter weight)
        {
            using Generator generator = RandomStream.Of(seed, [.. stream, name]);
            return rand(weight.shape, generator: generator);
        }

        public override string ToString() => FormattableString.Invariant($"random, seed {seed}");
    }

    private static Tensor Gradient(string name, Parameter weight, string criterion) =>
        weight.grad?.AtLeastSingle() ?? throw new WorkbookException($"'{name}' has no gradient: run a backward pass before pruning by {criterion}");
}
