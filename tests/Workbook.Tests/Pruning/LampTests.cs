using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class LampTests
{
    [Fact]
    public void A_weight_is_worth_its_share_of_the_squares_that_are_no_smaller()
    {
        using Linear layer = nn.Linear(3, 2, hasBias: false);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        layer.weight.copy_(tensor(new float[,] { { -3, 1, 2 }, { 0, 4, -1 } }));

        // Eq. 2 of Lee et al. 2021 by hand. In rising order: 0, 1 (first), 1 (second), 4, 9, 16.
        double[] scores = Saliency.Lamp.Score("weight", layer.weight).data<double>().ToArray();
        Assert.Equal([9 / 25.0, 1 / 31.0, 4 / 29.0, 0, 1, 1 / 30.0], scores, Near);
    }

    [Fact]
    public void A_layer_of_zeros_goes_before_any_other()
    {
        using Sequential net = Small.Net([4, 4, 2], 3);
        using IDisposable noGrad = no_grad();
        net.get_parameter("0.weight")!.zero_();
        net.get_parameter("1.weight")!.fill_(1e-20);
        Mask mask = new Pruner(Saliency.Lamp) { Scope = Scope.Global() }.Prune(net, 16 / 24.0);
        Assert.Equal((0, 8), (mask.KeptOf("0.weight"), mask.KeptOf("1.weight")));
    }

    [Fact]
    public void Within_a_layer_it_is_the_order_of_magnitude_and_the_largest_is_worth_1() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, Gen.Bool).Sample((widths, seed, sparsity, halves) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Small.Net(widths, seed);
            _ = halves ? net.to(bfloat16) : net;
            Assert.Equal(new Pruner(Saliency.Magnitude).Prune(net, sparsity), new Pruner(Saliency.Lamp).Prune(net, sparsity));
            Assert.All(Prunable.Weights(net), w => Assert.Equal(w.Weight.count_nonzero().item<long>() > 0 ? 1 : 0,
                Saliency.Lamp.Score(w.Name, w.Weight).max().item<double>()));
        });

    [Fact]
    public void Globally_the_scale_of_a_layer_does_not_count() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, Gen.Int[-20, 20]).Sample((widths, seed, sparsity, power) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Small.Net(widths, seed);
            Pruner lamp = new(Saliency.Lamp) { Scope = Scope.Global() };
            Mask before = lamp.Prune(net, sparsity);
            using IDisposable noGrad = no_grad();
            net.get_parameter("0.weight")!.mul_(Math.Pow(2, power));
            Assert.Equal(before, lamp.Prune(net, sparsity));
        });

    [Fact]
    public void No_layer_loses_its_largest_weight_before_every_other_weight_is_gone()
    {
        using Sequential net = Small.Net([6, 5, 4, 3], 7);
        using IDisposable noGrad = no_grad();
        net.get_parameter("1.weight")!.mul_(1e-3); // magnitude would take the whole layer first
        Assert.Equal(0, new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(net, 0.7).KeptOf("1.weight"));
        Assert.All(new Pruner(Saliency.Lamp) { Scope = Scope.Global() }.Prune(net, 0.9).Values, kept => Assert.True(kept.any().item<bool>()));
    }

    private static bool Near(double one, double other) => Math.Abs(one - other) < 1e-12;
}
