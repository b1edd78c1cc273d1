using Workbook.Pruning;
using Workbook.Runs;
using Workbook.Training;
using static TorchSharp.torch;

namespace Workbook.Lottery;

/// <summary>One round of the search: what is left, and the training of it.</summary>
/// <param name="Round">0 is the dense training.</param>
/// <param name="Mask">What is left in this round's training; whole in round 0.</param>
/// <param name="Run">The training.</param>
public sealed record Ticket(int Round, Mask Mask, Run Run)
{
    /// <summary>Fraction of the weights left, 0 to 1.</summary>
    public double Left => 1 - Mask.Sparsity;
}

/// <summary>
/// Train, prune a fraction of what is left, rewind, repeat (Frankle and Carbin 2019, strategy 1). Every training goes
/// through the run store: an interrupted search goes on where it was.
/// </summary>
public sealed record IterativePruning
{
    /// <summary>Where the trainings are kept.</summary>
    public required RunStore Runs { get; init; }

    /// <summary>Seed → the network as initialized.</summary>
    public required Func<int, nn.Module<Tensor, Tensor>> Network { get; init; }

    /// <summary>The training set.</summary>
    public required LabelledTensors Data { get; init; }

    /// <summary>How the network is trained in each round.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>How the weights that go are chosen; by default by magnitude, layer by layer.</summary>
    public Pruner Pruner { get; init; } = new(Saliency.Magnitude);

    /// <summary>From where each round starts.</summary>
    public Rewind Rewind { get; init; } = Rewind.ToInitialization;

    /// <summary>What the trainings note.</summary>
    public RunDetails Details { get; init; } = new();

    /// <summary>
    /// The scope of Frankle and Carbin: every layer loses <paramref name="rate"/> of what is left a round, the output
    /// layer another rate, usually half.
    /// </summary>
    /// <param name="rate">The fraction of what is left that goes in a round, between 0 and 1.</param>
    /// <param name="outputLayer">The output layer (<c>fc3</c>).</param>
    /// <param name="outputRate">Its rate; by default half of the others'.</param>
    /// <exception cref="WorkbookException">A rate is not between 0 and 1.</exception>
    public static Scope PerLayer(double rate, string outputLayer, double? outputRate = null)
    {
        double slower = outputRate ?? rate / 2;
        if (!(rate is > 0 and < 1 && slower is > 0 and < 1))
        {
            throw new WorkbookException($"a round prunes a fraction between 0 and 1 of what is left, not {rate} and {slower}");
        }

        return Scope.PerLayer((name, sparsity) => name == outputLayer + ".weight" ? 1 - Math.Pow(1 - slower, Math.Log(1 - sparsity) / Math.Log(1 - rate)) : sparsity);
    }

    /// <summary>The sparsities of so many rounds: 1 − (1 − rate)^k after round k = 1, 2, …</summary>
    /// <param name="rounds">How many, from 0.</param>
    /// <param name="rate">The fraction of what is left that goes in a round.</param>
    /// <exception cref="WorkbookException">The rate is not between 0 and 1, or there are fewer than 0 rounds.</exception>
    public static IReadOnlyList<double> Rounds(int rounds, double rate = 0.2) => rounds < 0 || !(rate is > 0 and < 1)
        ? throw new WorkbookException($"there are 0 or more rounds, each of which prunes a fraction between 0 and 1 of what is left, not {rounds} and {rate}")
        : [.. Enumerable.Range(1, rounds).Select(k => 1 - Math.Pow(1 - rate, k))];

    /// <summary>Searches: the dense training, then one training for each sparsity.</summary>
    /// <param name="seed">Of the weights and of the order of the examples.</param>
    /// <param name="sparsities">What is gone in each round after the dense one, rising: <see cref="Rounds"/>, or one for one-shot pruning.</param>
    /// <param name="trained">Called after each training.</param>
    /// <returns>The rounds, the dense one first.</returns>
    /// <exception cref="WorkbookException">As <see cref="Pruner.Prune"/>, <see cref="Trainer.Train"/> and <see cref="RunStore.Get"/>.</exception>
    public IReadOnlyList<Ticket> Find(int seed, IEnumerable<double> sparsities, Action<Ticket>? trained = null)
    {
        ArgumentNullException.ThrowIfNull(sparsities);
        if (Rewind.WeightsOf > Recipe.StepsOver(Data.Count))
        {
            throw new WorkbookException($"a training of {Recipe.StepsOver(Data.Count)} steps can't be rewound to step {Rewind.WeightsOf}");
        }

        using nn.Module<Tensor, Tensor> network = Network(seed);
        List<Ticket> tickets = [];
        RunDetails dense = Details with { Checkpoints = [.. Details.Checkpoints.Append(Rewind.WeightsOf ?? 0).Distinct()] };
        Add(Mask.Full(network, [.. Pruner.Scope.Except]), null, Recipe, dense);
        foreach (double sparsity in sparsities)
        {
            Mask mask = Pruner.Prune(network, sparsity, tickets[^1].Mask);
            if (Rewind.WeightsOf is { } step)
            {
                tickets[0].Run.LoadInto(network, checkpoint: step);
            }

            Add(mask, mask, Rewind.After(Recipe), Details with { Initialization = Rewind.Name, MaskSource = $"iterative pruning, round {tickets.Count}" });
        }

        return tickets;

        void Add(Mask left, Mask? mask, Recipe recipe, RunDetails details)
        {
            tickets.Add(new Ticket(tickets.Count, left, Runs.Train(network, Data, recipe, seed, mask, details)));
            trained?.Invoke(tickets[^1]);
        }
    }
}
