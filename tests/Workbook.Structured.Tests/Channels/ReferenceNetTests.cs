using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ReferenceNetTests
{
    private static readonly ChannelPruner s_half = new(Saliency.Magnitude);

    [Fact]
    public void LeNet5_loses_channels_of_both_convolutions_and_units()
    {
        using LeNet5 net = LeNet5.Wide(1);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 1, 28, 28));

        Assert.Equal(["conv1: 20 units", "conv2: 50 units", "fc1: 500 units", "fc2: 10 units, all stay: its channels are the model's output"],
            graph.Groups.Select(g => g.ToString()));
        // Channel 3 of 4×4 pixels is what the first linear layer reads at 48 to 63.
        Assert.Equal(Enumerable.Range(48, 16).Select(i => ("fc1", i)), graph.Groups[1].Units[3].Inputs);
        CheckRemoval(net, graph, s_half, 0.5, rand(5, 1, 28, 28));
        Assert.Equal("10,1,5,5 10 25,10,5,5 25 250,400 250 10,250 10", string.Join(' ', net.parameters().Select(p => string.Join(',', p.shape))));
    }

    [Fact]
    public void ResNet18_keeps_its_stages_together()
    {
        using ResNet18 net = new(8);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 3, 32, 32));

        Assert.Equal("conv1, layer1.0.conv2, layer1.1.conv2: 8 units", graph.Groups[0].ToString());
        Assert.Contains(graph.Groups, g => g.Layers.SequenceEqual(["layer3.0.conv2", "layer3.0.downsample.0", "layer3.1.conv2"]));
        Assert.Contains(graph.Groups, g => g.Layers.SequenceEqual(["layer3.0.conv1"]));
        CheckRemoval(net, graph, s_half with { Scope = Scope.Global() }, 0.4, rand(2, 3, 32, 32));
    }

    [Fact]
    public void MobileNetV2_keeps_depthwise_convolutions_with_what_they_read()
    {
        using MobileNetV2 net = new(2);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 3, 32, 32));

        Assert.Equal("features.0, features.3.conv.0: 16 units", graph.Groups[0].ToString());
        CheckRemoval(net, graph, s_half with { RoundTo = 4, Slices = ScoredSlices.BatchNormScale, Norm = 1 }, 0.3, rand(2, 3, 32, 32));
        Assert.All(net.parameters(), p => Assert.True(p.shape[0] % 4 == 0));
    }

    [Fact]
    public void Vgg11_follows_pooling_and_flatten_into_the_classifier()
    {
        using Vgg11 net = new(8);
        ChannelGraph graph = ChannelGraph.Trace(net, zeros(1, 3, 32, 32));

        Assert.Equal(49, graph.Groups.Single(g => g.Layers.SequenceEqual(["features.18"])).Units[0].Inputs.Count);
        CheckRemoval(net, graph, s_half, 0.5, rand(2, 3, 32, 32));
    }

    private static void CheckRemoval(nn.Module<Tensor, Tensor> net, ChannelGraph graph, ChannelPruner pruner, double ratio, Tensor inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        net.eval();
        Mask mask = pruner.Prune(graph, ratio);
        mask.Apply(net);
        Tensor zeroed = net.forward(inputs);
        Assert.True(graph.Remove(mask) > 0);
        Assert.True(net.forward(inputs).allclose(zeroed, 1e-5, 1e-5));
        Assert.Equal(mask.Kept, net.parameters().Sum(p => p.numel()));
    }
}
