using CsCheck;
using TorchSharp;
using Workbook.Pruning;
using Workbook.Structured;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests.Structured;

public sealed class RemovalLaws
{
    private static readonly Gen<ChannelPruner> s_pruner = Gen.Select(Gen.Int[0, 1], Gen.Int[1, 2], Gen.Bool, Gen.Int[1, 3], Gen.Int[1, 3], Small.Seed).Select((slices, norm, global, floor, roundTo, seed) =>
        new ChannelPruner(norm == 1 ? Saliency.Magnitude : Saliency.Random(seed))
        {
            Slices = (ScoredSlices)slices, Norm = norm, Scope = global ? Scope.Global() : Scope.PerLayer(), Floor = floor, RoundTo = roundTo,
        });

    private static Tensor Images(int seed)
    {
        using Generator generator = RandomStream.Of(seed, "images");
        return randn([4, 2, 8, 8], generator: generator);
    }

    private static byte[] State(nn.Module net) => [.. net.state_dict().SelectMany(s => s.Value.bytes.ToArray())];

    [Fact]
    public void Removed_equals_zeroed() =>
        Gen.Select(RandomNet.Any, s_pruner, Gen.Double[0, 0.95], Small.Seed).Sample((net, pruner, ratio, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor images = Images(seed);
            ChannelGraph graph = ChannelGraph.Trace(net, images[..1]);
            if (graph.Groups.All(g => g.WholeBecause is not null))
            {
                return;
            }

            Mask mask = pruner.Prune(graph, ratio);
            mask.Apply(net);
            Tensor zeroed = net.forward(images);
            graph.Remove(mask);
            Tensor removed = net.forward(images);
            Assert.True(removed.allclose(zeroed, 1e-5, 1e-5 * Math.Max(1, zeroed.abs().max().item<float>())), $"{net}\n{graph}");
            Assert.Equal(mask.Kept, net.parameters().Sum(p => p.numel()));
            net.Dispose();
        }, iter: 60, threads: 1);
}
