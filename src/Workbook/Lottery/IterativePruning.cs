using static TorchSharp.torch;

namespace Workbook;

/// <summary>One round of the search: what is left, and the training of it.</summary>
/// <param name="Round">0 is the dense training.</param>
/// <param name="Mask">What is left in this round's training; whole in round 0.</param>
/// <param name="Run">The training.</param>
public sealed record Ticket(int Round, Mask Mask, TrainingLog Run)
{
    /// <summary>Fraction of the weights left, 0 to 1.</summary>
    public double Left => 1 - Mask.Sparsity;
}

/// <summary>
/// Train, prune a fraction of what is left, rewind, repeat (Frankle and Carbin 2019, strategy 1). With a run store for
/// <see cref="Runs"/> an interrupted search goes on where it was.
/// </summary>
public sealed record IterativePruning
{
    /// <summary>Who trains: a run store, or <see cref="ITrainings.InMemory"/>.</summary>
    public required ITrainings Runs { get; init; }

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

    /// <summary>What goes on beside the trainings.</summary>
    public IReadOnlyList<TrainingPart> Parts { get; init; } = [];

    /// <summary>
    /// The scope of Frankle and Carbin: every layer loses <paramref name="rate"/> of what is left a round, the output layer another rate, usually half.
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

        return Scope.PerLayer((name, sparsity) => name == outputLayer + ".weight" ? 1 - Math.Pow(1 - slower, Math.Log(1 - sparsity) / Math.Log(1 - rate))
            : sparsity);
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
    /// <exception cref="WorkbookException">As <see cref="Pruner.Prune"/>, <see cref="ITrainings.Train"/>.</exception>
    public IReadOnlyList<Ticket> Find(int seed, IEnumerable<double> sparsities, Action<Ticket>? trained = null)
    {
        ArgumentNullException.ThrowIfNull(sparsities);
        if (Rewind.WeightsOf > Recipe.StepsOver(Data.Count))
        {
            throw new WorkbookException($"a training of {Recipe.StepsOver(Data.Count)} steps can't be rewound to step {Rewind.WeightsOf}");
        }

        using nn.Module<Tensor, Tensor> network = Network(seed);
        List<Ticket> tickets = [];
        TrainingPart[] others = [.. Parts.Where(p => p is not CheckpointProbe)];
        long[] kept = [.. Parts.OfType<CheckpointProbe>().SelectMany(p => p.Steps)];
        Add(Mask.Full(network, Pruner.Scope), null, Recipe, [.. others, Probe.Checkpoints([.. kept, Rewind.WeightsOf ?? 0])]);
        foreach (double sparsity in sparsities)
        {
            Mask mask = Pruner.Prune(network, sparsity, tickets[^1].Mask);
            if (Rewind.WeightsOf is { } step)
            {
                tickets[0].Run.LoadInto(network, checkpoint: step);
            }

            Add(mask, mask, Rewind.After(Recipe), [.. others, .. kept.Length > 0 ? [Probe.Checkpoints(kept)] : (TrainingPart[])[]]);
        }

        return tickets;

        void Add(Mask left, Mask? mask, Recipe recipe, TrainingPart[] parts)
        {
            tickets.Add(new Ticket(tickets.Count, left, Runs.Train(network, Data, recipe, seed, mask, parts)));
            trained?.Invoke(tickets[^1]);
        }
    }
}
