using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class ChannelPrunerTests
{
    private static Sequential Net(params (string, Module<Tensor, Tensor>)[] layers) => Sequential(layers);

    /// <summary>2 → 4 units with a norm → 2.</summary>
    private static Sequential Small4(float[,] rows, float[,] columns, float[] scale)
    {
        Sequential net = Net(("a", Linear(2, 4)), ("norm", BatchNorm1d(4)), ("relu", ReLU()), ("b", Linear(4, 2)));
        using IDisposable noGrad = no_grad();
        net.get_parameter("a.weight")!.copy_(tensor(rows));
        net.get_parameter("b.weight")!.copy_(tensor(columns));
        net.get_parameter("norm.weight")!.copy_(tensor(scale));
        return net;
    }

    private static int Worst(Sequential net, ChannelPruner pruner)
    {
        using DisposeScope scope = NewDisposeScope();
        Mask mask = pruner.Prune(ChannelGraph.Trace(net, rand(3, 2)), 0.25);
        return mask["a.bias"].data<bool>().ToArray().ToList().IndexOf(false);
    }

    [Fact]
    public void What_is_scored_decides_what_goes()
    {
        // Rows by L2: 5, 5.1, 6, 6.1; by L1: 7, 6, 6.8, 8. Columns turn the group's order; the scale has its own.
        using Sequential net = Small4(new[,] { { 3f, 4 }, { 5, 1 }, { 6, 0.8f }, { 6.05f, 1.95f } }, new[,] { { 9f, 9, 9, 0 }, { 0, 0, 0, 0 } }, [4, 3, 1, 2]);
        ChannelPruner pruner = new(Saliency.Magnitude);

        Assert.Equal(3, Worst(net, pruner));
        Assert.Equal(0, Worst(net, pruner with { Slices = ScoredSlices.Filters }));
        Assert.Equal(1, Worst(net, pruner with { Slices = ScoredSlices.Filters, Norm = 1 }));
        Assert.Equal(2, Worst(net, pruner with { Slices = ScoredSlices.BatchNormScale }));
        net.get_parameter("a.weight")!.grad = tensor(new[,] { { 1f, 1 }, { 1, 1 }, { 1, 1 }, { 0.1f, 0.1f } });
        Assert.Equal(3, Worst(net, new(Saliency.Taylor) { Slices = ScoredSlices.Filters, Norm = 1 }));
    }

    [Fact]
    public void A_mask_of_channels_names_everything_that_goes()
    {
        using Sequential net = Small4(new[,] { { 1f, 1 }, { 9, 9 }, { 9, 9 }, { 9, 9 } }, new[,] { { 1f, 1, 1, 1 }, { 1, 1, 1, 1 } }, [1, 1, 1, 1]);
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(ChannelGraph.Trace(net, rand(3, 2)), 0.25);

        Assert.Equal(["a.bias 1", "a.weight 2", "b.bias 0", "b.weight 2", "norm.bias 1", "norm.weight 1"],
            mask.Keys.Select(k => $"{k} {mask[k].numel() - mask.KeptOf(k)}"));
    }

    [Fact]
    public void Each_layer_loses_its_ratio_down_to_its_floor_and_to_a_multiple() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Double[0, 0.99], Gen.Int[1, 10], Gen.Int[1, 8], Gen.Bool)
            .Sample((one, two, ratio, floor, roundTo, global) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Net(("a", Linear(3, one)), ("b", Linear(one, two)), ("c", Linear(two, 2)));
            ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 3));
            ChannelPruner pruner = new(Saliency.Magnitude) { Floor = floor, RoundTo = roundTo, Scope = global ? Scope.Global() : Scope.PerLayer() };
            graph.Remove(pruner.Prune(graph, ratio));
            int wanted = 0;
            foreach ((string name, int before) in new[] { ("a", one), ("b", two) })
            {
                int left = (int)net.get_parameter($"{name}.weight")!.shape[0];
                int goes = (int)Math.Round(ratio * before, MidpointRounding.ToEven);
                Assert.True(left == before || (left >= floor && left % roundTo == 0));
                // Never more than asked for, and no more stay than the floor and the multiple need.
                int right = Math.Max(before - goes, Math.Min(floor, before));
                Assert.True(global || left == Math.Min(before, (right + roundTo - 1) / roundTo * roundTo), $"{before} → {left}");
                wanted += before - left;
            }

            Assert.True(!global || wanted <= Math.Round(ratio * (one + two), MidpointRounding.ToEven));
        }, iter: 60, threads: 1);

    [Fact]
    public void Layers_have_ratios_of_their_own_or_stay_out()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Linear(3, 8)), ("b", Linear(8, 8)), ("c", Linear(8, 8)), ("d", Linear(8, 2)));
        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 3));
        graph.Remove(new ChannelPruner(Saliency.Magnitude) { Scope = Scope.PerLayer((name, ratio) => name == "b.weight" ? ratio / 2 : ratio, "c") }.Prune(
            graph, 0.5));

        Assert.Equal([4, 6, 8, 2], net.named_parameters().Where(p => p.name.EndsWith("weight", StringComparison.Ordinal)).Select(p => p.parameter.shape[0]));
    }

    [Fact]
    public void Globally_the_least_worth_go_wherever_they_are()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Net(("a", Linear(3, 8)), ("b", Linear(8, 8)), ("c", Linear(8, 2)));
        using (no_grad())
        {
            // Of a, three units are nearly nothing; b's are alike.
            net.get_parameter("a.weight")!.fill_(1);
            net.get_parameter("a.weight")!.narrow(0, 2, 3).fill_(1e-4);
            net.get_parameter("b.weight")!.fill_(1);
        }

        ChannelGraph graph = ChannelGraph.Trace(net, rand(1, 3));
        Mask mask = new ChannelPruner(Saliency.Magnitude) { Scope = Scope.Global(), Slices = ScoredSlices.Filters }.Prune(graph, 3 / 16.0);
        Assert.Equal([true, true, false, false, false, true, true, true], mask["a.bias"].data<bool>().ToArray());
        Assert.Equal(8, mask.KeptOf("b.bias"));
    }
}
