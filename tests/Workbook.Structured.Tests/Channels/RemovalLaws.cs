using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class RemovalLaws
{
    private static readonly Gen<ChannelPruner> s_pruner = Gen.Select(Gen.Int[0, 1], Gen.Int[1, 2], Gen.Bool, Gen.Int[1, 3], Gen.Int[1, 3], Small.Seed)
        .Select((slices, norm, global, floor, roundTo, seed) =>
        new ChannelPruner(norm == 1 ? Saliency.Magnitude : Saliency.Random(seed))
        {
            Slices = (ScoredSlices)slices,
            Norm = norm,
            Scope = global ? Scope.Global() : Scope.PerLayer(),
            Floor = floor,
            RoundTo = roundTo,
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
            IReadOnlyList<string> renormalized = graph.RenormalizedBy(mask);
            graph.Remove(mask);
            Tensor removed = net.forward(images);
            Assert.True(renormalized.Count > 0 ? removed.shape.SequenceEqual(zeroed.shape)
                : removed.allclose(zeroed, 1e-5, 1e-5 * Math.Max(1, zeroed.abs().max().item<float>())), $"{net}\n{graph}");
            Assert.Equal(mask.Kept, net.parameters().Sum(p => p.numel()));
            net.Dispose();
        }, iter: 60, threads: 1);

    [Fact]
    public void Tracing_changes_nothing_and_neither_does_removing_nothing() =>
        RandomNet.Any.Sample(net =>
        {
            using DisposeScope scope = NewDisposeScope();
            net.train();
            Parameter first = net.parameters().First();
            first.requires_grad = false;
            byte[] before = State(net);
            string names = string.Join(' ', net.named_parameters().Select(p => $"{p.name}[{string.Join(',', p.parameter.shape)}]"));
            ChannelGraph graph = ChannelGraph.Trace(net, Images(1));
            Assert.Equal(0, graph.Remove(Mask.Full(net)));
            Assert.Equal(before, State(net));
            Assert.Equal(names, string.Join(' ', net.named_parameters().Select(p => $"{p.name}[{string.Join(',', p.parameter.shape)}]")));
            Assert.True(net.modules().All(m => m.training) && !first.requires_grad && net.parameters().Skip(1).All(p => p.requires_grad && p.grad is null));
        }, iter: 15, threads: 1);

    [Fact]
    public void A_smaller_model_trains_saves_and_loads() =>
        Gen.Select(RandomNet.Any, Small.Seed).Sample((net, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor images = Images(seed);
            ChannelGraph graph = ChannelGraph.Trace(net, images);
            if (graph.Groups.All(g => g.WholeBecause is not null))
            {
                return;
            }

            // A loss from before is still there, as in a notebook.
            Tensor before = net.forward(images).sum();
            before.backward();
            graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.4));
            net.train();
            using optim.Optimizer optimizer = optim.SGD(net.parameters(), 0.01, momentum: 0.9);
            byte[] state = State(net);
            net.forward(images).square().sum().backward();
            optimizer.step();
            Assert.NotEqual(state, State(net));
            Assert.All(net.parameters(), p => Assert.Equal(p.shape, p.grad!.shape));

            using MemoryStream file = new();
            net.save(file);
            byte[] trained = State(net);
            net.load_state_dict(net.state_dict().ToDictionary(s => s.Key, s => zeros_like(s.Value)));
            Assert.NotEqual(trained, State(net));
            using MemoryStream saved = new(file.ToArray());
            net.load(saved);
            Assert.Equal(trained, State(net));
        }, iter: 15, threads: 1);
}
