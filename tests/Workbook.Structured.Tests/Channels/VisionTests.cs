using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Networks that people have: TorchVision's, and the deep ones for CIFAR.</summary>
public sealed class VisionTests
{
    private static Tensor Image(int size) => zeros(1, 3, size, size);

    [Fact]
    public void ResNet18_of_TorchVision_loses_half_of_its_channels()
    {
        using DisposeScope scope = NewDisposeScope();
        ChannelGraph graph = Pruned.Check(torchvision.models.resnet18(), 0.5, Image(32));
        Assert.Equal("fc", Assert.Single(graph.Groups, g => g.WholeBecause is not null).Layers.Single());
    }

    [Fact]
    public void Squeeze_and_excitation_that_counts_its_channels_stays_and_is_named()
    {
        using DisposeScope scope = NewDisposeScope();
        ChannelGraph graph = Pruned.Check(torchvision.models.mobilenet_v3_small(), 0.5, Image(32));
        ChannelGroup[] staying = [.. graph.Groups.Where(g => g.Layers.Any(l => l.EndsWith("fc2", StringComparison.Ordinal)))];
        Assert.Equal(9, staying.Sum(g => g.Layers.Count(l => l.EndsWith("fc2", StringComparison.Ordinal))));
        Assert.All(staying, g => Assert.Matches("without some the model does not run: its forward counts on their number .* in '.*', a SqueezeExcitation",
            g.WholeBecause));
        Assert.Contains(graph.Groups, g => g.Layers.Contains("features.2.block.0.0") && g.WholeBecause is null);
    }

    [Fact]
    public void The_head_that_Inception_has_for_training_is_named_as_left_out()
    {
        using DisposeScope scope = NewDisposeScope();
        ChannelGraph graph = Pruned.Check(torchvision.models.inception_v3(), 0.5, Image(75));
        ChannelGroup[] staying = [.. graph.Groups.Where(g => g.WholeBecause is not null)];
        Assert.Equal(["AuxLogits.conv0.conv", "AuxLogits.conv1.conv", "AuxLogits.fc", "fc"], staying.SelectMany(g => g.Layers).Order(StringComparer.Ordinal));
        Assert.All(staying.Where(g => g.Layers[0] != "fc"), g => Assert.StartsWith(
            "it has no part in the output for the example input: it runs only in training", g.WholeBecause));
    }

    public static TheoryData<string, Func<nn.Module<Tensor, Tensor>>, int> Deep => new()
    {
        { "ResNet-110", () => new CifarResNet(110, 4), 57 },
        { "DenseNet-40", () => new DenseNet(40, 4), 39 },
        { "WRN-28", () => new WideResNet(28, 2, 4), 16 },
    };

    [Theory]
    [MemberData(nameof(Deep), DisableDiscoveryEnumeration = true)]
    public void Deep_networks_for_small_images_lose_half_of_their_channels(string what, Func<nn.Module<Tensor, Tensor>> build, int prunable)
    {
        using DisposeScope scope = NewDisposeScope();
        ChannelGraph graph = Pruned.Check(build(), 0.5, Image(16));
        Assert.Equal((what, prunable, 1), (what, graph.Groups.Count(g => g.WholeBecause is null), graph.Groups.Count(g => g.WholeBecause is not null)));
    }

    [Fact]
    public void A_text_encoder_loses_whole_heads_and_units_exactly_and_of_its_stream_up_to_the_norms()
    {
        using DisposeScope scope = NewDisposeScope();
        BertEncoder net = new(1, words: 40, length: 12, width: 24, depth: 2);
        Tensor example = arange(24, ScalarType.Int64).reshape(2, 12);
        net.eval();
        ChannelGraph graph = ChannelGraph.Trace(net, example);
        ChannelGroup stream = graph.Groups.Single(g => g.Layers.Contains("embeddings.word_embeddings"));
        Assert.Equal((24, 5), (stream.Units.Count, stream.Renormalized.Count));
        Assert.Contains("embeddings.position_embeddings", stream.Layers);

        Mask mask = new ChannelPruner(Saliency.Magnitude) { Scope = Scope.PerLayer([.. stream.Layers]) }.Prune(graph, 0.5);
        Assert.Empty(graph.RenormalizedBy(mask));
        mask.Apply(net);
        using IDisposable still = no_grad();
        Tensor zeroed = net.forward(example);
        graph.Remove(mask);
        Assert.True(net.forward(example).allclose(zeroed, 1e-4, 1e-5));
        Assert.Equal([12, 24], net.get_parameter("encoder.layer.0.attention.self.query.weight")!.shape);
        Assert.Equal([48, 24], net.get_parameter("encoder.layer.1.intermediate.dense.weight")!.shape);

        graph = ChannelGraph.Trace(net, example);
        mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        Assert.Equal(5, graph.RenormalizedBy(mask).Count);
        graph.Remove(mask);
        Assert.Equal([40, 12], net.get_parameter("embeddings.word_embeddings.weight")!.shape);
        Assert.Equal([2, 2], net.forward(example).shape);
    }
}
