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
    public static Saliency Magnitude { get; } = new Formula("magnitude", (_, weight) => weight.AtLeastSingle().abs());

    /// <summary>
    /// LAMP (Lee et al. 2021, eq. 2): w² over the sum of the squares of the layer's weights that are no smaller, 1 for the largest. Within a layer the order of
    /// <see cref="Magnitude"/>; for <see cref="Scope.Global"/>, in which it finds each layer's sparsity. What is pruned already has to be 0 in the model.
    /// </summary>
    public static Saliency Lamp { get; } = new Formula("LAMP", (_, weight) => LampOf(weight));

    /// <summary>|g|: how fast the loss changes with the weight, pruned or not (Evci et al. 2020, RigL). Needs gradients: run a backward pass first.</summary>
    public static Saliency GradientMagnitude { get; } = new Formula("gradient magnitude", (name, weight) => Gradient(name, weight, "gradient").abs());

    /// <summary>The other way round: what this one values most goes first.</summary>
    public Saliency Inverted => new InvertedSaliency(this);

    /// <summary>
    /// |g·w|: to first order, how much the loss changes without the weight (Mozer and Smolensky 1989; Lee et al. 2019, SNIP, eq. 6).
    /// Needs gradients: run a backward pass first.
    /// </summary>
    public static Saliency GradientTimesWeight { get; } =
        new Formula("gradient·weight", (name, weight) => Gradient(name, weight, "gradient·weight").mul(weight.AtLeastSingle()).abs());

    /// <summary>
    /// (g·w)²: the squared first-order Taylor term (Molchanov et al. 2019, eq. 8), weight by weight; with
    /// <see cref="Granularity.Along"/> and n = 1 summed over a unit. Needs gradients, as <see cref="GradientTimesWeight"/>.
    /// </summary>
    public static Saliency Taylor { get; } = new Formula("Taylor", (name, weight) => GradientTimesWeight.Score(name, weight).Squared());

    /// <summary>Scores of one's own (<c>importance_scores</c>).</summary>
    /// <param name="scores">Parameter name → a tensor of its shape; a higher score is kept longer.</param>
    public static Saliency Given(IReadOnlyDictionary<string, Tensor> scores) => new GivenSaliency(scores);

    /// <summary>A number drawn for each weight: the control that every criterion has to beat.</summary>
    /// <param name="seed">Same seed, same scores, in whatever order the layers are asked for.</param>
    public static Saliency Random(int seed) => Random(seed, "saliency");

    internal static Saliency Random(int seed, params string[] stream) => new Formula(FormattableString.Invariant($"random, seed {seed}"), (name, weight) =>
    {
        using Generator generator = RandomStream.Of(seed, [.. stream, name]);
        return rand(weight.shape, generator: generator);
    });

    /// <summary>Each score's square over the sum of those no smaller, in float64; of equal ones the first is the smallest; 0 where all are 0.</summary>
    internal static Tensor LampOf(Tensor scores)
    {
        (Tensor sorted, Tensor order) = scores.detach().to(ScalarType.Float64).abs().flatten().sort(0, stable: true);
        Tensor squares = sorted.Squared();
        Tensor shares = squares.div(squares.flip(0).cumsum(0).flip(0).AtLeast(Smallest));
        return zeros_like(shares).scatter(0, order, shares).reshape(scores.shape);
    }

    private const double Smallest = 2.2250738585072014e-308; // of those with all their digits

    private sealed class Formula(string criterion, Func<string, Parameter, Tensor> score) : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => score(name, weight);

        public override string ToString() => criterion;
    }

    private sealed class InvertedSaliency(Saliency saliency) : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => saliency.Score(name, weight).neg();

        public override string ToString() => $"inverted {saliency}";
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

    private static Tensor Gradient(string name, Parameter weight, string criterion) =>
        weight.grad?.AtLeastSingle() ?? throw new WorkbookException($"'{name}' has no gradient: run a backward pass before pruning by {criterion}");
}
