using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Prunes a model's channels for real, and holds its answers against those with zeros in their place.</summary>
internal static class Pruned
{
    /// <summary>Traces, prunes and removes.</summary>
    /// <returns>The graph as it was.</returns>
    internal static ChannelGraph Check(nn.Module<Tensor, Tensor> model, double ratio, Tensor example) =>
        Check(model, ratio, [example], ChannelGraph.Trace(model, example), x => [model.forward(x[0].clone())]);

    internal static ChannelGraph Check(nn.Module model, double ratio, Tensor[] example, ChannelGraph graph, Func<Tensor[], Tensor[]> forward)
    {
        using DisposeScope scope = NewDisposeScope();
        model.eval();
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, ratio);
        mask.Apply(model);
        using Generator generator = RandomStream.Of(3, "inputs");
        Tensor[] inputs = [.. example.Select(e => e.is_floating_point() ? randn(e.shape, generator: generator).to(e.dtype) : e)];
        Tensor[] zeroed = Answers(forward, inputs);
        Assert.True(graph.Remove(mask) > 0);
        Tensor[] smaller = Answers(forward, inputs);
        bool isExact = graph.Groups.All(g => g.WholeBecause is not null || g.Renormalized.Count == 0);
        foreach ((Tensor one, Tensor other) in zeroed.Zip(smaller))
        {
            Assert.Equal(one.shape, other.shape);
            Assert.True(!isExact || other.allclose(one, 1e-3, 1e-4 * one.abs().max().to(float32).item<float>()), $"{one.sub(other).abs().max()}\n{graph}");
        }

        Assert.True(!isExact || mask.Kept <= model.parameters().Sum(p => p.numel()));
        return graph;
    }

    internal static byte[] State(nn.Module net) => [.. net.state_dict().SelectMany(s => s.Value.bytes.ToArray())];

    private static Tensor[] Answers(Func<Tensor[], Tensor[]> forward, Tensor[] inputs)
    {
        using IDisposable noGrad = no_grad();
        return forward(inputs);
    }
}
