using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>One change of the mask, on networks with many equal weights and gradients.</summary>
public sealed class DropAndGrowLaws
{
    private static readonly TrainingMoment s_early = new(10, 100, 1);

    private static readonly Gen<(int[] Widths, int Seed, double Sparsity, double Fraction)> s_cases =
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, Small.Sparsity);

    public static TheoryData<string, Func<Mask, int, DropAndGrow>> Methods => new()
    {
        { "SET", DropAndGrow.Set },
        { "RigL", (mask, _) => DropAndGrow.RigL(mask) },
        { "inverted RigL", (mask, _) => DropAndGrow.InvertedRigL(mask) },
    };

    [Theory]
    [MemberData(nameof(Methods), DisableDiscoveryEnumeration = true)]
    public void Each_layer_drops_its_smallest_weights_and_grows_as_many_that_were_pruned(string name, Func<Mask, int, DropAndGrow> build) =>
        s_cases.Sample((widths, seed, sparsity, fraction) => Change(widths, seed, sparsity, fraction, build, (layer, weight, before, after) =>
        {
            Assert.Equal(before.Count(kept => kept), after.Count(kept => kept));
            float[] sizes = [.. weight.abs().data<float>().ToArray()];
            int[] dropped = [.. At(before, after)], grown = [.. At(after, before)],
                stays = [.. Enumerable.Range(0, before.Length).Where(i => before[i] && after[i])];
            Assert.True(dropped.Length == grown.Length, $"{name}: {layer}");
            Assert.Equal(Math.Min((int)(fraction * before.Count(kept => kept)), before.Count(kept => !kept)), dropped.Length);
            Assert.True(dropped.Select(i => sizes[i]).DefaultIfEmpty(0).Max() <= stays.Select(i => sizes[i]).DefaultIfEmpty(float.MaxValue).Min());
        }));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RigL_grows_where_the_dense_gradient_is_largest_and_inverted_where_it_is_smallest(bool inverted) =>
        s_cases.Sample((widths, seed, sparsity, fraction) =>
            Change(widths, seed, sparsity, fraction, (mask, _) => inverted ? DropAndGrow.InvertedRigL(mask) : DropAndGrow.RigL(mask),
            (layer, weight, before, after) =>
            {
                float[] worth = [.. weight.grad!.abs().mul(inverted ? -1 : 1).data<float>().ToArray()];
                int[] grown = [.. At(after, before)], left = [.. Enumerable.Range(0, before.Length).Where(i => !before[i] && !after[i])];
                Assert.True(grown.Select(i => worth[i]).DefaultIfEmpty(float.MaxValue).Min() >= left.Select(i => worth[i]).DefaultIfEmpty(float.MinValue)
                    .Max(), layer);
            }));

    [Fact]
    public void SET_grows_every_pruned_weight_equally_often_and_anew_at_each_change()
    {
        using Linear layer = nn.Linear(10, 1, hasBias: false);
        using DisposeScope scope = NewDisposeScope();
        Mask start = new([KeyValuePair.Create("weight", tensor(Enumerable.Range(0, 10).Select(i => i < 2).ToArray()).reshape(1, 10))]);
        DropAndGrow set = DropAndGrow.Set(start, 3) with { Fraction = 0.5, Decay = DropDecay.None };
        int[] grown = new int[10];
        for (int step = 1; step <= 1600; step++)
        {
            bool[] after = [.. set.Next(layer, start, new(step, 2000, 1))["weight"].data<bool>().ToArray()];
            grown[Enumerable.Range(2, 8).Single(i => after[i])]++;
        }

        Assert.All(grown[2..], count => Assert.InRange(count, 130, 270)); // 200 ± 5 standard deviations
        Assert.Equal(set.Next(layer, start, s_early), set.Next(layer, start, s_early));
    }

    [Fact]
    public void What_the_mask_does_not_name_and_what_is_no_layer_stays_as_it_is()
    {
        using Sequential net = Small.Net([8, 8, 4], 1);
        using DisposeScope scope = NewDisposeScope();
        Mask layer = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("1") }.Prune(net, 0.5);
        Mask start = new(layer.Append(KeyValuePair.Create("0.bias", tensor(new[] { true, true, true, true, false, false, false, false }))));
        Mask next = (DropAndGrow.Set(start, 1) with { Fraction = 0.5 }).Next(net, start, s_early);
        Assert.Equal(["0.bias", "0.weight"], next.Keys);
        Assert.Equal(start["0.bias"].data<bool>().ToArray(), next["0.bias"].data<bool>().ToArray());
        Assert.NotEqual(start["0.weight"].data<bool>().ToArray(), next["0.weight"].data<bool>().ToArray());
    }

    [Fact]
    public void The_fraction_falls_along_a_cosine_to_the_last_step_or_with_the_learning_rate()
    {
        DropAndGrow rigL = DropAndGrow.RigL(new Mask([])) with { Fraction = 0.4 };
        Assert.Equal([0.4, 0.2, 0], new long[] { 0, 50, 100 }.Select(step => Math.Round(rigL.FractionAt(new(step, 100, 1)), 12)));
        Assert.Equal(0.2, (rigL with { LastStep = 80 }).FractionAt(new(40, 100, 1)), 12);
        Assert.Equal(0.1, (rigL with { Decay = DropDecay.LearningRate }).FractionAt(new(90, 100, 0.25)), 12);
        Assert.Equal(0.4, (rigL with { Decay = DropDecay.None }).FractionAt(new(90, 100, 0.25)), 12);
    }

    /// <summary>One change of a pruned network with gradients, then a look at each layer.</summary>
    private static void Change(int[] widths, int seed, double sparsity, double fraction, Func<Mask, int, DropAndGrow> build,
        Action<string, Parameter, bool[], bool[]> look)
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Small.Net(widths, seed);
        Mask before = new Pruner(Saliency.Random(seed)).Prune(net, sparsity);
        before.Apply(net);
        using Generator generator = RandomStream.Of(seed, "inputs");
        net.forward(rand([5, widths[0]], generator: generator).mul(3).floor()).square().sum().backward();
        Mask after = (build(before, seed) with { Fraction = fraction, Decay = DropDecay.None }).Next(net, before, s_early);
        foreach ((string layer, Parameter weight) in Prunable.Weights(net))
        {
            look(layer, weight, [.. before[layer].data<bool>().ToArray()], [.. after[layer].data<bool>().ToArray()]);
        }
    }

    private static IEnumerable<int> At(bool[] kept, bool[] notKept) => Enumerable.Range(0, kept.Length).Where(i => kept[i] && !notKept[i]);
}
