using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class LotteryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-lottery-").FullName;
    private readonly LabelledTensors _data = Noise.Data();

    public LotteryTests() => set_num_threads(1);

    public void Dispose()
    {
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private IterativePruning Search(Rewind? rewind = null) => new()
    {
        Runs = RunStore.Open(_folder),
        Network = seed => new LeNet300100(seed),
        Data = _data,
        Recipe = new Recipe { Epochs = 2 },
        Pruner = new Pruner(Saliency.Magnitude) { Scope = IterativePruning.PerLayer(0.2, "fc3") },
        Rewind = rewind ?? Rewind.ToInitialization,
        Parts = [Probe.Checkpoints(0)],
    };

    [Fact]
    public void Each_round_prunes_a_fifth_of_what_is_left_and_half_of_that_at_the_output()
    {
        IReadOnlyList<Ticket> tickets = Search().Find(seed: 1, IterativePruning.Rounds(3));
        Assert.Equal([0, 1, 2, 3], tickets.Select(t => t.Round));
        Assert.Equal([266_200, 213_060, 170_538, 136_511], tickets.Select(t => t.Mask.Kept)); // 235,200·0.8^k + 30,000·0.8^k + 1,000·0.9^k, each rounded
        Assert.Equal(729, tickets[3].Mask.KeptOf("fc3.weight"));
        Assert.All(tickets.Zip(tickets.Skip(1)), pair => Assert.Equal(pair.Second.Mask, pair.Second.Mask.Intersect(pair.First.Mask)));
    }

    [Fact]
    public void Each_round_starts_from_the_first_weights_under_its_mask()
    {
        foreach (Ticket ticket in Search().Find(seed: 1, IterativePruning.Rounds(2)))
        {
            using LeNet300100 expected = new(1), start = new(2);
            ticket.Mask.Apply(expected);
            ticket.Run.LoadInto(start, checkpoint: 0);
            AssertSame(expected, start);
        }
    }

    [Fact]
    public void Late_rewinding_starts_from_a_step_of_the_first_training()
    {
        IReadOnlyList<Ticket> tickets = (Search(Rewind.ToStep(4)) with { Parts = [Probe.Checkpoints(4)] }).Find(seed: 1, [0.5]);
        using LeNet300100 expected = new(2), start = new(3);
        tickets[0].Run.LoadInto(expected, checkpoint: 4);
        tickets[1].Mask.Apply(expected);
        tickets[1].Run.LoadInto(start, checkpoint: 4);
        AssertSame(expected, start);
        Assert.Equal(4, ((Run)tickets[1].Run).Record.Recipe.FirstStep);
    }

    [Fact]
    public void Training_on_from_a_step_is_the_rest_of_the_training()
    {
        using LeNet300100 whole = new(1), resumed = new(2);
        Recipe recipe = new() { Epochs = 2, Momentum = 0 }; // momentum is not kept
        Run run = RunStore.Open(_folder).Train(whole, _data, recipe, seed: 1, null, Probe.Checkpoints(3));
        run.LoadInto(resumed, checkpoint: 3);
        Trainer.Train(resumed, _data, recipe with { FirstStep = 3 }, seed: 1);
        AssertSame(whole, resumed);
    }

    [Fact]
    public void Without_rewinding_the_trained_weights_go_on()
    {
        IReadOnlyList<Ticket> tickets = Search(Rewind.LearningRate).Find(seed: 1, [0.5]);
        using LeNet300100 expected = new(2), start = new(3);
        tickets[0].Run.LoadInto(expected);
        tickets[1].Mask.Apply(expected);
        tickets[1].Run.LoadInto(start, checkpoint: 0);
        AssertSame(expected, start);

        Ticket tuned = Search(Rewind.FineTune(new Recipe { LearningRate = 0.01, Cosine = false, Epochs = 1 })).Find(seed: 1, [0.5])[1];
        Assert.Equal(0.01, ((Run)tuned.Run).Record.Recipe.LearningRate);
        Assert.Equal(tickets[1].Mask, tuned.Mask);
    }

    [Fact]
    public void A_search_that_was_done_trains_nothing()
    {
        DateTimeOffset[] Times() => [.. Search().Find(seed: 1, IterativePruning.Rounds(2)).Select(t => ((Run)t.Run).Finished)];
        Assert.Equal(Times(), Times());
        Assert.Equal(3, RunStore.Open(_folder).List().Count);
    }

    [Fact]
    public void In_memory_the_search_finds_what_it_finds_with_a_store()
    {
        // A store trains sparse layers as such by itself, which rounds otherwise.
        IterativePruning search = Search() with { Parts = [new SparseTraining(2)] };
        IReadOnlyList<Ticket> stored = search.Find(seed: 1, [0.5]), kept = (search with { Runs = ITrainings.InMemory }).Find(seed: 1, [0.5]);
        foreach ((Ticket one, Ticket other) in stored.Zip(kept))
        {
            Assert.Equal(one.Mask, other.Mask);
            using LeNet300100 expected = new(2), actual = new(3);
            one.Run.LoadInto(expected);
            other.Run.LoadInto(actual);
            AssertSame(expected, actual);
        }
    }

    [Fact]
    public void Shuffling_keeps_each_layers_count_and_nothing_else()
    {
        using LeNet300100 network = new(1);
        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(network, 0.9);
        Mask shuffled = mask.Shuffled(1);
        Assert.All(mask.Keys, name => Assert.Equal(mask.KeptOf(name), shuffled.KeptOf(name)));
        Assert.Equal(shuffled, mask.Shuffled(1));
        Assert.NotEqual(shuffled, mask.Shuffled(2));
        double byChance = mask.Keys.Sum(name => Math.Pow(mask.KeptOf(name), 2) / mask[name].numel());
        Assert.InRange(mask.Intersect(shuffled).Kept / byChance, 0.9, 1.1);
    }

    [Fact]
    public void Signed_constants_keep_signs_and_lose_magnitudes()
    {
        using LeNet300100 network = new(1), before = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.8);
        Controls.SignedConstant(network, mask);
        foreach ((string name, _) in mask)
        {
            Tensor constant = network.get_parameter(name)!, drawn = before.get_parameter(name)!;
            Assert.True(constant.sign().eq(drawn.sign() * mask[name]).all().item<bool>());
            Tensor kept = constant.abs().masked_select(mask[name]);
            Assert.Equal(drawn.std().item<float>(), kept.min().item<float>(), 1e-6f);
            Assert.Equal(kept.min().item<float>(), kept.max().item<float>());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_round_prunes_a_fraction_between_0_and_1(double rate)
    {
        Assert.Throws<WorkbookException>(() => IterativePruning.Rounds(3, rate));
        Assert.Throws<WorkbookException>(() => IterativePruning.PerLayer(rate, "fc3"));
        Assert.Throws<WorkbookException>(() => Rewind.ToStep(-1));
    }

    [Fact]
    public void A_rewind_past_the_end_is_refused_before_anything_is_trained()
    {
        Assert.Contains("10 steps can't be rewound to step 11", Assert.Throws<WorkbookException>(() => Search(Rewind.ToStep(11)).Find(1, [0.5])).Message,
            StringComparison.Ordinal);
        Assert.Empty(RunStore.Open(_folder).List());
    }

    private static void AssertSame(nn.Module expected, nn.Module actual) =>
        Assert.All(expected.state_dict(), s => Assert.True(s.Value.Equals(actual.state_dict()[s.Key]), s.Key));
}
