using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ModelTests
{
    public static TheoryData<string, Func<int, nn.Module<Tensor, Tensor>>, long, long, string> Networks => new()
    {
        { "LeNet-300-100", seed => new LeNet300100(seed), 266_200, 266_610, "fc1.weight fc2.weight fc3.weight" },
        { "LeNet-5 20-50-500", seed => LeNet5.Wide(seed), 430_500, 431_080, "conv1.weight conv2.weight fc1.weight fc2.weight" },
        { "LeNet-5 6-16-120-84", seed => LeNet5.Classic(seed), 44_190, 44_426, "conv1.weight conv2.weight fc1.weight fc2.weight fc3.weight" },
    };

    [Theory]
    [MemberData(nameof(Networks), DisableDiscoveryEnumeration = true)]
    public void Networks_have_the_weights_and_names_of_the_literature(string name, Func<int, nn.Module<Tensor, Tensor>> build, long weights, long parameters,
        string names)
    {
        using DisposeScope scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> net = build(1);
        Assert.True(weights == Mask.Full(net).Total, name);
        Assert.Equal(parameters, net.parameters().Sum(p => p.numel()));
        Assert.Equal(names.Split(' '), Prunable.Weights(net).Select(w => w.Name));
        Assert.Equal([3, 10], net.forward(zeros(3, 1, 28, 28)).shape);
    }

    [Theory]
    [MemberData(nameof(Networks), DisableDiscoveryEnumeration = true)]
    public void A_seed_determines_the_weights_whatever_was_drawn_before(string name, Func<int, nn.Module<Tensor, Tensor>> build, long weights, long parameters,
        string names)
    {
        _ = (name, weights, parameters, names);
        using DisposeScope scope = NewDisposeScope();
        float[] one = [.. build(5).parameters().SelectMany(p => p.data<float>().ToArray())];
        _ = rand(100);
        Assert.Equal(one, build(5).parameters().SelectMany(p => p.data<float>().ToArray()));
        Assert.NotEqual(one, build(6).parameters().SelectMany(p => p.data<float>().ToArray()));
    }

    [Fact]
    public void Pooling_is_libtorchs_to_the_bit_and_a_pool_that_is_watched_or_replaced_is_called()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable scoring = no_grad();
        foreach ((long height, long width) in new[] { (28L, 28L), (7L, 9L), (2L, 3L) })
        {
            Tensor images = randn(300, 3, height, width);
            images[5, 1, 0, 1] = double.NaN;
            Tensor expected = nn.functional.max_pool2d(images, 2);
            Tensor halved = Pooling.Halve(images);
            Assert.Equal(expected.shape, halved.shape);
            Assert.Equal(expected.data<float>().ToArray(), halved.data<float>().ToArray());
        }

        int calls = 0;
        var pool = nn.MaxPool2d(2);
        _ = Pooling.Halve(randn(300, 1, 4, 4), pool);
        pool.register_forward_hook((_, _, output) =>
        {
            calls++;
            return output;
        });
        _ = Pooling.Halve(randn(300, 1, 4, 4), pool);
        Assert.Equal(1, calls);
        Assert.Equal([300L, 1, 4, 4], Pooling.Halve(randn(300, 1, 4, 4), nn.Identity()).shape);
    }

    public static TheoryData<string, Initializer, double> Initializers => new()
    {
        { "Glorot normal", Initializer.GlorotNormal, 2.0 / 1084 },
        { "Glorot uniform", Initializer.GlorotUniform, 2.0 / 1084 },
        { "He normal", Initializer.HeNormal, 2.0 / 784 },
        { "He uniform", Initializer.HeUniform, 2.0 / 784 },
    };

    [Theory]
    [MemberData(nameof(Initializers), DisableDiscoveryEnumeration = true)]
    public void Initializers_draw_the_variance_they_promise(string name, Initializer initializer, double variance)
    {
        using DisposeScope scope = NewDisposeScope();
        using LeNet300100 net = new(3, initializer);
        Tensor weight = net.get_parameter("fc1.weight")!;
        Assert.InRange(weight.var().item<float>() / variance, 0.98, 1.02); // 235,200 draws: ± 0.3 %
        Assert.InRange(weight.mean().item<float>() / Math.Sqrt(variance), -0.02, 0.02);
        Assert.True(weight.abs().max().item<float>() <= Math.Sqrt(3 * variance) * 1.0001 == initializer.Uniform, name);
        Assert.Equal(0, net.get_parameter("fc1.bias")!.abs().sum().item<float>());
    }
}
