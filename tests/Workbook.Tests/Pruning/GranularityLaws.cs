using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class GranularityLaws
{
    private static readonly Gen<double> s_norm = Gen.Int[0, 3].Select(i => new[] { 1, 2, 3.5, double.PositiveInfinity }[i]);

    /// <summary>Layers whose sides are multiples of 4, with gradients, so that every part fits every other.</summary>
    private static Sequential Net(int seed)
    {
        Sequential net = Small.Net([8, 4, 12, 4], seed);
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(seed, "inputs");
        net.forward(rand([5, 8], generator: generator)).square().sum().backward();
        return net;
    }

    [Fact]
    public void Every_saliency_granularity_scope_and_schedule_combine() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3], Gen.Bool, Gen.Bool, Small.Seed).Sample((saliency, granularity, global, cubic, seed) =>
        {
            using Sequential net = Net(seed);
            Pruner pruner = new(saliency switch
            {
                0 => Saliency.Magnitude,
                1 => Saliency.GradientTimesWeight,
                2 => Saliency.Taylor,
                3 => Saliency.Random(seed),
                _ => Scores(net)
            })
            {
                Granularity = granularity switch { 0 => Granularity.Weight, 1 => Granularity.Row(1), 2 => Granularity.Column(), _ => Granularity.NofM(2, 4) },
                Scope = global ? Scope.Global() : Scope.PerLayer(),
            };
            Mask? mask = null;
            foreach (double sparsity in cubic ? Schedule.Cubic(0.5, 3) : Schedule.Iterative(0.5, 3))
            {
                Mask next = pruner.Prune(net, sparsity, mask);
                Assert.Equal(next, mask is null ? next : next.Intersect(mask));
                mask = next;
            }

            Assert.Equal(0.5, mask!.Sparsity, global && granularity is 1 or 2 ? 0.5 : 1e-9);
        });

    private static Saliency Scores(Sequential net) => Saliency.Given(Prunable.Weights(net).ToDictionary(w => w.Name, w => w.Weight.detach().square()));

    [Fact]
    public void Structured_pruning_takes_whole_slices_those_of_least_norm() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[1, 6], Gen.Int[-2, 1], s_norm, Small.Sparsity, Small.Seed).Sample((rows, columns, dim, n, sparsity, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Small.Net([columns, rows], seed);
            Mask mask = new Pruner(Saliency.Magnitude) { Granularity = Granularity.Along(dim, n) }.Prune(net, sparsity);
            int along = (dim + 2) % 2;
            (double Norm, double Kept)[] slices = [.. Enumerable.Range(0, along == 0 ? rows : columns).Select(i => (
                linalg.vector_norm(net.get_parameter("0.weight")!.select(along, i), n, [0L]).item<float>() + 0.0,
                mask["0.weight"].select(along, i).to(ScalarType.Float64).mean().item<double>()))];
            Assert.All(slices, slice => Assert.True(slice.Kept is 0 or 1));
            Assert.Equal((int)Math.Round(sparsity * slices.Length, MidpointRounding.ToEven), slices.Count(slice => slice.Kept == 0));
            Assert.True(slices.Where(s => s.Kept == 1).Select(s => s.Norm).DefaultIfEmpty(1e9).Min() >= slices.Where(s => s.Kept == 0).Select(s => s.Norm)
                .DefaultIfEmpty(0).Max());
        });

    [Fact]
    public void N_of_M_leaves_the_best_n_of_every_m() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 3], Gen.Int[1, 5], Small.Seed).Sample((n, groups, rows, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Small.Net([groups * 4, rows], seed);
            Mask mask = new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(n, 4) }.Prune(net, 1 - (n / 4.0));
            Tensor kept = mask["0.weight"].reshape(-1, 4), sizes = net.get_parameter("0.weight")!.abs().reshape(-1, 4);
            Assert.True(kept.sum(1).eq(n).all().item<bool>());
            Tensor worstKept = sizes.masked_fill(kept.logical_not(), 1e9).amin([1]), bestPruned = sizes.masked_fill(kept, -1).amax([1]);
            Assert.True((worstKept >= bestPruned).all().item<bool>());
        });

    [Fact]
    public void N_of_M_after_other_pruning_brings_nothing_back()
    {
        using Sequential net = Small.Net([8, 6], 3);
        Mask first = new Pruner(Saliency.Magnitude).Prune(net, 0.4);
        Mask second = new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(2, 4) }.PruneMore(net, 1, first);
        Assert.Equal(second, second.Intersect(first));
        Assert.Equal(first.Kept - 1, second.Kept);
    }

    [Fact]
    public void Each_layer_may_have_a_sparsity_of_its_own()
    {
        using Sequential net = Small.Net([8, 10, 4], 1);
        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer((name, sparsity) => name == "1.weight" ? sparsity / 2 : sparsity) }.Prune(net, 0.5);
        Assert.Equal((0.5, 0.25), (mask.SparsityOf("0.weight"), mask.SparsityOf("1.weight")));
    }

    [Fact]
    public void Amounts_count_from_what_is_left() =>
        Gen.Select(Small.Sparsity, Small.Sparsity, Small.Seed).Sample((one, two, seed) =>
        {
            using Sequential net = Small.Net([7, 5], seed);
            Pruner pruner = new(Saliency.Magnitude);
            Mask first = pruner.PruneMore(net, one), second = pruner.PruneMore(net, two, first);
            Assert.Equal(35 - (long)Math.Round(one * 35, MidpointRounding.ToEven), first.Kept);
            Assert.Equal(first.Kept - (long)Math.Round(two * first.Kept, MidpointRounding.ToEven), second.Kept);
        });

    [Fact]
    public void A_cubic_schedule_rises_ever_slower_to_its_end() =>
        Gen.Select(Gen.Double[0, 1], Gen.Double[0, 1], Gen.Int[1, 30]).Sample((a, b, steps) =>
        {
            double[] levels = [Math.Min(a, b), .. Schedule.Cubic(Math.Max(a, b), steps, initial: Math.Min(a, b))];
            Assert.Equal(Math.Max(a, b), levels[^1]);
            double[] rises = [.. levels.Zip(levels.Skip(1), (x, y) => y - x)];
            Assert.All(rises.Zip(rises.Skip(1)), pair => Assert.True(pair.First >= pair.Second - 1e-12 && pair.Second >= -1e-12));
        });

    public static TheoryData<string, Func<Sequential, Mask>> BadCalls => new()
    {
        { "an amount is a fraction from 0 to 1, not 1.5", net => new Pruner(Saliency.Magnitude).PruneMore(net, 1.5) },
        { "an amount is a fraction from 0 to 1, not NaN", net => new Pruner(Saliency.Magnitude).PruneMore(net, double.NaN) },
        { "an amount is a number of weights from 0, not -1", net => new Pruner(Saliency.Magnitude).PruneMore(net, -1) },
        { "33 can't be pruned: 32 are left", net => new Pruner(Saliency.Magnitude).PruneMore(net, 33) },
        { "has no dimension 2", net => new Pruner(Saliency.Magnitude) { Granularity = Granularity.Along(2) }.Prune(net, 0.5) },
        { "multiple of 3 inputs", net => new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(1, 3) }.Prune(net, 0.5) },
        { "at most 50.00 % can be pruned", net => new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(2, 4) }.Prune(net, 0.6) },
        { "keeps from 1 to 4 of 4 weights, not 5", net => new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(5, 4) }.Prune(net, 0.5) },
        { "no scores for '0.weight'", net => new Pruner(Saliency.Given(new Dictionary<string, Tensor>())).Prune(net, 0.5) },
        { "not 2", net => new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer((_, _) => 2) }.Prune(net, 0.5) },
        { "initial sparsity 0.9 is above", net => new Pruner(Saliency.Magnitude).Prune(net, Schedule.Cubic(0.5, 3, initial: 0.9)[0]) },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line(string says, Func<Sequential, Mask> call)
    {
        using Sequential net = Small.Net([8, 4], 1);
        WorkbookException e = Assert.Throws<WorkbookException>(() => call(net));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }
}
