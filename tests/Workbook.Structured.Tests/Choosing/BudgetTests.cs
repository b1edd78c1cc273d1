using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class BudgetTests
{
    [Fact]
    public void The_budget_is_kept_and_no_unit_more_would_be() =>
        Gen.Select(Gen.Int[2, 24], Gen.Int[2, 24], Gen.Int[2, 24], Gen.Double[0.02, 1], Gen.Int[1, 4], Gen.Bool)
            .Sample((one, two, three, part, roundTo, global) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Sequential(("a", Conv2d(1, one, 3, padding: 1)), ("b", Conv2d(one, two, 3, stride: 2)), ("flat", Flatten()),
                ("c", Linear(two * 4, three)), ("d", Linear(three, 3)));
            Tensor example = rand(1, 1, 6, 6);
            ChannelGraph graph = ChannelGraph.Trace(net, example);
            long all = ModelCount.Of(net, example).Macs, budget = (long)(part * all);
            ChannelPruner pruner = new(Saliency.Magnitude) { RoundTo = roundTo, Scope = global ? Scope.Global() : Scope.PerLayer() };
            Mask mask;
            try
            {
                mask = pruner.PruneToMacs(graph, budget);
            }
            catch (WorkbookException e)
            {
                // It says how far it goes, and goes as far.
                long least = long.Parse(e.Message.Split("at least ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
                Assert.True(least > budget, e.Message);
                budget = least;
                mask = pruner.PruneToMacs(graph, budget);
            }

            graph.Remove(mask);
            Assert.InRange(ModelCount.Of(net, example).Macs, 1, budget);
            int[] widths = [.. new[] { "a", "b", "c" }.Select(l => (int)net.get_parameter($"{l}.weight")!.shape[0])];
            int[] before = [one, two, three];
            Assert.True(widths.SequenceEqual(before) == (budget >= all));
            Assert.True(budget >= all || Enumerable.Range(0, 3).Any(l => widths[l] < before[l] && Macs(Widened(l)) > budget));
            Assert.All(widths.Zip(before), w => Assert.True(w.First == w.Second || w.First % roundTo == 0));

            int[] Widened(int layer) => [.. widths.Select((w, l) => l != layer ? w : w + roundTo >= before[l] ? before[l] : w + roundTo)];
            static long Macs(int[] w) => (36 * 9 * w[0]) + (4 * 9 * w[0] * w[1]) + (4 * w[1] * w[2]) + (w[2] * 3);
        }, iter: 60, threads: 1);

    [Fact]
    public void Layers_lose_the_same_ratio()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("a", Linear(10, 200)), ("b", Linear(200, 100)), ("c", Linear(100, 300)), ("d", Linear(300, 3)));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 10));
        Mask mask = new ChannelPruner(Saliency.Magnitude).PruneToMacs(graph, ModelCount.Of(net, rand(1, 10)).Macs / 2);
        double[] ratios = [.. new[] { "a", "b", "c" }.Select(l => mask.SparsityOf($"{l}.bias"))];
        Assert.All(ratios, r => Assert.InRange(r, ratios.Max() - 0.015, ratios.Max()));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.25)]
    public void A_residual_network_has_the_part_of_its_multiplications_that_was_asked_for(double part)
    {
        using DisposeScope scope = NewDisposeScope();
        using ResidualNet net = new(seed: 1);
        Tensor image = rand(2, 1, 28, 28);
        ChannelGraph graph = ChannelGraph.Trace(net, image);
        long budget = (long)(part * ModelCount.Of(net, image).Macs);
        Assert.True(graph.Remove(new ChannelPruner(ChannelSaliency.GeometricMedian).PruneToMacs(graph, budget)) > 0);
        Assert.InRange(ModelCount.Of(net, image).Macs, 0.93 * budget, budget);
        Assert.Equal([2, 10], net.forward(image).shape);
    }

    [Theory]
    [InlineData(72, 72)]
    [InlineData(71, 62)]
    [InlineData(52, 52)]
    [InlineData(111, 102)]
    [InlineData(112, 112)]
    [InlineData(1000, 112)]
    public void A_layer_that_is_left_out_counts_and_stays_whole(long budget, long left)
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("a", Linear(4, 8)), ("b", Linear(8, 8)), ("c", Linear(8, 2))); // 4·8 + 8·b + b·2
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 4));
        graph.Remove(new ChannelPruner(Saliency.Magnitude) { Scope = Scope.PerLayer("a"), Floor = 2 }.PruneToMacs(graph, budget));
        Assert.Equal(left, ModelCount.Of(net, rand(1, 4)).Macs);
    }

    public static TheoryData<string, Func<ChannelPruner, ChannelGraph, Mask>> BadCalls => new()
    {
        { "no more than 5 multiplications can't be had: of 112 at least 7 stay, whatever", (pruner, graph) => pruner.PruneToMacs(graph, 5) },
        { "no more than -1 multiplications can't be had", (pruner, graph) => pruner.PruneToMacs(graph, -1) },
        { "a layer keeps at least 1 channel", (pruner, graph) => (pruner with { Floor = 0 }).PruneToMacs(graph, 50) },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_budgets_end_in_one_line(string says, Func<ChannelPruner, ChannelGraph, Mask> call)
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("a", Linear(4, 8)), ("b", Linear(8, 8)), ("c", Linear(8, 2)));
        WorkbookException e = Assert.Throws<WorkbookException>(() => call(new(Saliency.Magnitude), ChannelGraph.Trace(net, rand(1, 4))));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void A_model_of_two_inputs_has_no_multiplications_to_choose_by()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("a", Linear(4, 8)), ("b", Linear(8, 2)));
        ChannelGraph graph = ChannelGraph.Trace(net, [rand(1, 4), rand(1, 4)], x => net.forward(x[0] + x[1]));
        WorkbookException e = Assert.Throws<WorkbookException>(() => new ChannelPruner(Saliency.Magnitude).PruneToMacs(graph, 20));
        Assert.Contains("models that take one tensor", e.Message);
    }
}
