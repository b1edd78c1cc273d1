using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Dense layers with their masks, and what a sparse layer must equal.</summary>
internal static class Layers
{
    /// <summary>One, full vectors of every width, one more and one less, and several blocks with a rest.</summary>
    internal static readonly Gen<int> Batch = Gen.Int[0, 13].Select(i => new[] { 0, 1, 2, 3, 4, 7, 8, 15, 16, 33, 64, 100, 128, 203 }[i]);

    /// <summary>Nothing pruned, all pruned, and between.</summary>
    internal static readonly Gen<double> Sparsity = Gen.OneOf(Gen.Const(0.0), Gen.Const(1.0), Gen.Double[0, 1]);

    /// <summary>A layer whose pruned weights are 0, its mask, and the sparse layer made of both.</summary>
    internal static (Linear Dense, Tensor Kept, SparseLinear Sparse) New(int inputs, int outputs, double sparsity, int seed, bool bias = true, int threads = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(seed, "layer");
        Tensor kept = (rand([outputs, inputs], generator: generator) >= sparsity).DetachFromDisposeScope();
        Linear dense = nn.Linear(
            new Parameter((randn([outputs, inputs], generator: generator) * kept).DetachFromDisposeScope()),
            bias ? new Parameter(randn([outputs], generator: generator).DetachFromDisposeScope()) : null);
        return (dense, kept, new SparseLinear(dense, kept, threads));
    }

    internal static Tensor Random(int seed, string purpose, params long[] shape)
    {
        using Generator generator = RandomStream.Of(seed, purpose);
        return randn(shape, generator: generator);
    }

    /// <summary>Equal to 1e-5 of the largest element, or of 1, the size of what was multiplied, where sums cancel.</summary>
    internal static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        if (expected.numel() > 0)
        {
            double difference = (expected - actual).abs().max().item<float>(), size = Math.Max(1, expected.abs().max().item<float>());
            Assert.True(difference <= 1e-5 * size, $"differs by {difference} where the largest is {size}");
        }
    }
}
