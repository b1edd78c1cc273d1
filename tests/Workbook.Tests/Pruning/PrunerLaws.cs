using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class PrunerLaws
{
    private static readonly Gen<Pruner> s_pruner = Gen.Select(Gen.Bool, Gen.Bool, Small.Seed, (global, random, seed) =>
        new Pruner(random ? Saliency.Random(seed) : Saliency.Magnitude) { Scope = global ? Scope.Global() : Scope.PerLayer() });

    private static long Goes(double sparsity, long weights) => (long)Math.Round(sparsity * weights, MidpointRounding.ToEven);

    [Fact]
    public void Counts_are_exact_for_any_sparsity() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, s_pruner).Sample((widths, seed, sparsity, pruner) =>
        {
            using Sequential net = Small.Net(widths, seed);
            Mask mask = pruner.Prune(net, sparsity);
            Assert.Equal(pruner.Scope.IsGlobal ? Goes(sparsity, mask.Total) : mask.Values.Sum(m => Goes(sparsity, m.numel())), mask.Total - mask.Kept);
        });

    [Fact]
    public void What_is_pruned_stays_pruned() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, Small.Sparsity, s_pruner).Sample((widths, seed, one, two, pruner) =>
        {
            using Sequential net = Small.Net(widths, seed), other = Small.Net(widths, seed + 1);
            Mask first = pruner.Prune(net, Math.Min(one, two));
            Mask second = pruner.Prune(other, Math.Max(one, two), first);
            Assert.Equal(second, second.Intersect(first));
        });

    [Fact]
    public void Pruning_twice_to_the_same_sparsity_changes_nothing() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, s_pruner).Sample((widths, seed, sparsity, pruner) =>
        {
            using Sequential net = Small.Net(widths, seed), other = Small.Net(widths, seed + 1);
            Mask mask = pruner.Prune(net, sparsity);
            Assert.Equal(mask, pruner.Prune(other, sparsity, mask));
        });

    [Fact]
    public void With_one_layer_global_is_per_layer() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Small.Seed, Small.Sparsity).Sample((columns, rows, seed, sparsity) =>
        {
            using Sequential net = Small.Net([columns, rows], seed);
            Pruner pruner = new(Saliency.Magnitude);
            Assert.Equal(pruner.Prune(net, sparsity), (pruner with { Scope = Scope.Global() }).Prune(net, sparsity));
        });

    [Fact]
    public void Of_equal_scores_the_first_in_the_model_go_first() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity).Sample((widths, seed, sparsity) =>
        {
            using Sequential net = Small.Net(widths, seed);
            Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(net, sparsity);
            string[] names = [.. Prunable.Weights(net).Select(w => w.Name)];
            float[] magnitudes = [.. names.SelectMany(name => net.get_parameter(name)!.abs().data<float>().ToArray())];
            bool[] kept = [.. names.SelectMany(name => mask[name].data<bool>().ToArray())];
            int[] gone = [.. Enumerable.Range(0, kept.Length).OrderBy(i => magnitudes[i]).Take((int)Goes(sparsity, kept.Length)).Order()];
            Assert.Equal(gone, Enumerable.Range(0, kept.Length).Where(i => !kept[i]));
        });

    [Fact]
    public void No_kept_weight_is_nearer_to_zero_than_a_pruned_one() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity).Sample((widths, seed, sparsity) =>
        {
            using Sequential net = Small.Net(widths, seed);
            using DisposeScope scope = NewDisposeScope();
            Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(net, sparsity);
            (float Size, bool Kept)[] weights = [.. Prunable.Weights(net).SelectMany(w =>
                w.Weight.abs().detach().data<float>().ToArray().Zip(mask[w.Name].data<bool>().ToArray()))];
            Assert.True(weights.Where(w => w.Kept).Select(w => w.Size).DefaultIfEmpty(float.MaxValue).Min()
                >= weights.Where(w => !w.Kept).Select(w => w.Size).DefaultIfEmpty(0).Max());
        });

    [Fact]
    public void Negative_weights_are_worth_as_much_as_positive_ones()
    {
        using Linear layer = nn.Linear(4, 1, hasBias: false);
        using (no_grad())
        {
            layer.weight.copy_(tensor(new float[] { -4, 1, -2, 3 }).reshape(1, 4));
        }

        Mask mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.5);
        Assert.Equal([true, false, false, true], mask["weight"].data<bool>().ToArray());
    }

    [Fact]
    public void Of_equal_scores_the_first_goes_first()
    {
        using Linear layer = nn.Linear(6, 1, hasBias: false);
        using (no_grad())
        {
            layer.weight.fill_(0.5);
        }

        Mask mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.5);
        Assert.Equal([false, false, false, true, true, true], mask["weight"].data<bool>().ToArray());
    }

    [Fact]
    public void Infinite_weights_and_zeros_are_ranked_above_what_is_pruned_already()
    {
        using Linear layer = nn.Linear(4, 1, hasBias: false);
        using (no_grad())
        {
            layer.weight.copy_(tensor(new[] { float.PositiveInfinity, 0, 9, 1 }).reshape(1, 4));
        }

        Mask previous = new([KeyValuePair.Create("weight", tensor(new[] { true, true, false, true }).reshape(1, 4))]);
        Assert.Equal([true, false, false, true], new Pruner(Saliency.Magnitude).Prune(layer, 0.5, previous)["weight"].data<bool>().ToArray());
    }

    [Fact]
    public void Gradient_times_weight_ranks_by_the_change_of_the_loss_to_first_order()
    {
        using Linear layer = nn.Linear(3, 1, hasBias: false);
        using DisposeScope scope = NewDisposeScope();
        using (no_grad())
        {
            layer.weight.copy_(tensor(new float[] { 5, 1, 2 }).reshape(1, 3));
        }

        layer.forward(tensor(new float[] { 0.1f, -3, 1 }).reshape(1, 3)).sum().backward(); // |g·w| = 0.5, 3, 2
        Mask mask = new Pruner(Saliency.GradientTimesWeight).Prune(layer, 1 / 3.0);
        Assert.Equal([false, true, true], mask["weight"].data<bool>().ToArray());
    }

    [Fact]
    public void Random_saliency_prunes_each_weight_equally_often()
    {
        using Linear layer = nn.Linear(10, 1, hasBias: false);
        double[] kept = new double[10];
        for (int seed = 0; seed < 2000; seed++)
        {
            bool[] mask = [.. new Pruner(Saliency.Random(seed)).Prune(layer, 0.7)["weight"].data<bool>().ToArray()];
            for (int i = 0; i < 10; i++)
            {
                kept[i] += mask[i] ? 1 : 0;
            }
        }

        Assert.All(kept, count => Assert.InRange(count / 2000, 0.25, 0.35)); // 0.3 ± 5 standard deviations
    }

    [Fact]
    public void Layers_left_out_are_neither_pruned_nor_counted()
    {
        using Sequential net = Small.Net([8, 8, 4], 1);
        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("1") }.Prune(net, 0.5);
        Assert.Equal(["0.weight"], mask.Keys);
        Assert.Equal(0.5, mask.Sparsity);
    }

    [Fact]
    public void What_was_pruned_in_a_layer_that_is_now_left_out_stays_pruned()
    {
        using Sequential net = Small.Net([8, 8, 4], 1);
        Mask all = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        Mask second = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("1") }.Prune(net, 0.75, all);
        Assert.Equal(0.75, second.SparsityOf("0.weight"));
        Assert.Equal(all["1.weight"].data<bool>().ToArray(), second["1.weight"].data<bool>().ToArray());
    }

    [Fact]
    public void Schedules_end_at_the_sparsity_and_prune_the_same_fraction_of_what_is_left() =>
        Gen.Select(Gen.Double[0, 0.999], Gen.Int[1, 20]).Sample((sparsity, rounds) =>
        {
            IReadOnlyList<double> levels = Schedule.Iterative(sparsity, rounds);
            Assert.Equal(rounds, levels.Count);
            Assert.Equal(sparsity, levels[^1]);
            double left = 1;
            double[] fractions = [.. levels.Select(s => { double f = (1 - s) / left; left = 1 - s; return f; })];
            Assert.All(fractions, f => Assert.Equal(fractions[0], f, 1e-6));
        });

    public static TheoryData<string, Func<Sequential, Mask>> BadCalls => new()
    {
        { "fraction from 0 to 1, not 1.5", net => new Pruner(Saliency.Magnitude).Prune(net, 1.5) },
        { "fraction from 0 to 1, not -0.1", net => new Pruner(Saliency.Magnitude).Prune(net, -0.1) },
        { "fraction from 0 to 1, not NaN", net => new Pruner(Saliency.Magnitude).Prune(net, double.NaN) },
        { "no layer 'fc9' to leave out; the weights are 0.weight, 1.weight", net =>
            new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("fc9") }.Prune(net, 0.5) },
        { "the model has no weights to prune", _ => new Pruner(Saliency.Magnitude) { Scope = Scope.Global("fc9") }.Prune(nn.Sequential(nn.ReLU()), 0.5) },
        { "every layer of the model is left out", net => new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("0", "1") }.PruneMore(net, 0.5) },
        { "'0.weight' has no gradient", net => new Pruner(Saliency.GradientTimesWeight).Prune(net, 0.5) },
        { "pruned weights do not come back", net => new Pruner(Saliency.Magnitude).Prune(net, 0.25, new Pruner(Saliency.Magnitude).Prune(net, 0.5)) },
        { "no parameter '7.weight'", net => new Pruner(Saliency.Magnitude).Prune(net, 0.5, new Mask([KeyValuePair.Create("7.weight", ones(1))])) },
        { "has shape [3, 3], the parameter [4, 4]", net =>
            new Pruner(Saliency.Magnitude).Prune(net, 0.5, new Mask([KeyValuePair.Create("0.weight", ones(3, 3))])) },
        { "the parameter 'weight' is on the device meta", _ => new Pruner(Saliency.Magnitude).Prune(nn.Linear(2, 2, device: Small.OtherDevice), 0.5) },
        { "the saliency of '0.weight' is on the device meta", net =>
            new Pruner(Saliency.Given(new Dictionary<string, Tensor> { ["0.weight"] = ones(4, 4, device: Small.OtherDevice) })).Prune(net, 0.5) },
        { "'0.weight' is not a number", net => { using IDisposable off =
            no_grad(); net.get_parameter("0.weight")!.fill_(float.NaN); return new Pruner(Saliency.Magnitude).Prune(net, 0.5); } },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line(string says, Func<Sequential, Mask> call)
    {
        using Sequential net = Small.Net([4, 4, 2], 1);
        WorkbookException e = Assert.Throws<WorkbookException>(() => call(net));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }
}
