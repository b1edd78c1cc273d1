using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class MaskScalingTests
{
    private const int Draws = 400;

    private static readonly Gen<Initializer> s_initializers =
        Gen.Select(Gen.Int[1, 2].Select(k => (double)k), Gen.Int[0, 2].Select(k => (Fan)k), Gen.Bool, (scale, fan, uniform) =>
            new Initializer(scale, fan, uniform));

    /// <summary>The mean square of each weight over many draws.</summary>
    private static Tensor Variance(nn.Module model, string name, Mask mask, Initializer initializer, MaskScaling scaling)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = zeros_like(model.get_parameter(name)!);
        for (int seed = 0; seed < Draws; seed++)
        {
            using DisposeScope draw = NewDisposeScope();
            initializer.Apply(model, seed, mask, scaling);
            sum.add_(model.get_parameter(name)!.detach().square());
        }

        return sum.div(Draws).MoveToOuterDisposeScope();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_unit_has_the_variance_of_its_own_connections(bool uniform)
    {
        using nn.Module<Tensor, Tensor> model = nn.Sequential(nn.Conv2d(6, 5, 3));
        Tensor kept = zeros(5, 6, 3, 3, dtype: ScalarType.Bool);
        for (int unit = 1; unit < 5; unit++)
        {
            kept[unit].flatten()[TensorIndex.Slice(0, 4 << unit)] = true; // 8, 16, 32, all 54 of 54 connections; unit 0 has none
        }

        Mask mask = new([KeyValuePair.Create("0.weight", kept)]);
        Tensor variance = Variance(model, "0.weight", mask, new Initializer(2, Fan.In, uniform), MaskScaling.Unit);
        Assert.Equal(0, variance[0].abs().max().item<float>());
        for (int unit = 1; unit < 5; unit++)
        {
            double connections = kept[unit].sum().item<long>();
            Assert.Equal(1, variance[unit].masked_select(kept[unit]).mean().item<float>() * connections / 2, 0.1);
            Assert.Equal(0, variance[unit].masked_select(kept[unit].logical_not()).sum().item<float>());
        }
    }

    [Fact]
    public void Glorot_counts_the_connections_at_both_ends()
    {
        using nn.Module<Tensor, Tensor> model = nn.Sequential(nn.Linear(3, 2));
        Mask mask = new([KeyValuePair.Create("0.weight", tensor(new[,] { { 1f, 1, 1 }, { 1, 0, 0 } }))]);
        Tensor variance = Variance(model, "0.weight", mask, Initializer.GlorotNormal, MaskScaling.Unit);
        double[,] expected = { { 2.0 / (3 + 2), 2.0 / (3 + 1), 2.0 / (3 + 1) }, { 2.0 / (1 + 2), 0, 0 } };
        for (int i = 0; i < 2; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                Assert.Equal(expected[i, j], variance[i, j].item<float>(), expected[i, j] * 0.3);
            }
        }
    }

    [Fact]
    public void A_layer_is_scaled_by_its_density()
    {
        using LeNet300100 dense = new(1), scaled = new(1);
        Mask mask = new Pruner(Saliency.Random(1)).Prune(dense, 0.75);
        Initializer.HeNormal.Apply(dense, 3, mask, MaskScaling.Dense);
        Initializer.HeNormal.Apply(scaled, 3, mask, MaskScaling.Layer);
        Assert.True(scaled.get_parameter("fc1.weight")!.allclose(dense.get_parameter("fc1.weight")!.mul(2), 1e-5));
    }

    [Fact]
    public void All_forms_agree_when_nothing_is_pruned_and_pruned_weights_are_zero() =>
        Gen.Select(s_initializers, Small.Seed, Small.Sparsity).Sample((initializer, seed, sparsity) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using LeNet5 usual = LeNet5.Classic(1), other = LeNet5.Classic(2);
            initializer.Apply(usual, seed);
            Mask mask = new Pruner(Saliency.Random(seed)).Prune(usual, sparsity);
            foreach (MaskScaling scaling in Enum.GetValues<MaskScaling>())
            {
                initializer.Apply(other, seed, Mask.Full(other), scaling);
                Assert.All(usual.state_dict(), s => Assert.True(s.Value.allclose(other.state_dict()[s.Key], 1e-5)));
                initializer.Apply(other, seed, mask, scaling);
                Assert.All(mask, m => Assert.Equal(0, other.get_parameter(m.Key)!.masked_select(m.Value.logical_not()).count_nonzero().item<long>()));
            }
        }, iter: 10);
}
