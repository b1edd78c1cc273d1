using CsCheck;
using TorchSharp.Modules;
using Xunit;

namespace Workbook.Tests;

public sealed class LayerShareLaws
{
    private static long Left(double sparsity, long weights) => weights - (long)Math.Round(sparsity * weights, MidpointRounding.ToEven);

    private static double[] Densities(Mask mask) => [.. mask.Keys.Order().Select(name => Math.Round(100 * (1 - mask.SparsityOf(name)), 2))];

    [Fact]
    public void Densities_add_up_to_the_budget_to_the_weight() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity, Gen.Bool).Sample((widths, seed, sparsity, kernel) =>
        {
            using Sequential net = Small.Net(widths, seed);
            Scope scope = kernel ? LayerShares.ErdosRenyiKernel(net) : LayerShares.ErdosRenyi(net);
            Mask mask = new Pruner(Saliency.Random(seed)) { Scope = scope }.Prune(net, sparsity);
            Assert.Equal(Left(sparsity, mask.Total), mask.Kept);
        });

    [Fact]
    public void A_layer_that_would_pass_density_one_stays_dense_and_the_others_keep_their_proportions() =>
        Gen.Select(Gen.Int[20, 40], Gen.Int[20, 40], Gen.Int[1, 3], Gen.Double[0.3, 0.9]).Sample((inputs, hidden, classes, sparsity) =>
        {
            using Sequential net = Small.Net([inputs, hidden, hidden, classes], 1);
            Mask mask = new Pruner(Saliency.Random(1)) { Scope = LayerShares.ErdosRenyi(net) }.Prune(net, sparsity);
            double first = mask.KeptOf("0.weight"), second = mask.KeptOf("1.weight"), expected = (double)(inputs + hidden) / (2 * hidden);
            Assert.True(mask.SparsityOf("0.weight") == 0 || mask.SparsityOf("1.weight") == 0 || Math.Abs(first - (expected * second)) <= 1 + expected);
            bool wouldPass = (Left(sparsity, mask.Total) - mask.KeptOf("2.weight")) / (double)(inputs + (3 * hidden)) * (hidden + classes)
                >= hidden * classes;
            Assert.True(!wouldPass || mask.SparsityOf("2.weight") == 0);
        });

    [Fact]
    public void Of_LeNet_300_100_at_95_percent_ER_keeps_what_the_formula_says_and_of_LeNet_5_ERK_in_proportion_to_the_sides()
    {
        using LeNet300100 network = new(1);
        double[] densities = Densities(new Pruner(Saliency.Random(1)) { Scope = LayerShares.ErdosRenyi(network) }.Prune(network, 0.95));
        Assert.All(densities.Zip([3.85, 11.1, 91.9]), pair => Assert.Equal(pair.Second, pair.First, 0.05));
        using LeNet5 convolutions = LeNet5.Wide(1);
        Mask kernel = new Pruner(Saliency.Random(1)) { Scope = LayerShares.ErdosRenyiKernel(convolutions) }.Prune(convolutions, 0.98);
        // In proportion to 1 + 20 + 5 + 5, 20 + 50 + 5 + 5, 800 + 500 and 500 + 10.
        Assert.Equal([139, 358, 5827, 2286], new[] { "conv1", "conv2", "fc1", "fc2" }.Select(layer => kernel.KeptOf($"{layer}.weight")));
    }

    [Fact]
    public void Uniform_plus_keeps_the_first_convolution_and_a_fifth_of_the_last_layer_and_the_budget()
    {
        using LeNet5 network = LeNet5.Wide(1);
        Pruner pruner = new(Saliency.Random(1)) { Scope = LayerShares.UniformPlus(network) };
        Mask mask = pruner.Prune(network, 0.95);
        Assert.Equal(Left(0.95, mask.Total), mask.Kept);
        Assert.Equal(0, mask.SparsityOf("conv1.weight"));
        Assert.Equal(0.8, mask.SparsityOf("fc2.weight"), 6);
        Assert.Equal(mask.SparsityOf("conv2.weight"), mask.SparsityOf("fc1.weight"), 4);
        string line = Assert.Throws<WorkbookException>(() => pruner.Prune(network, 0.998)).Message;
        Assert.Contains("more than the 861 of a sparsity of 99.80", line, StringComparison.Ordinal);
    }
}
