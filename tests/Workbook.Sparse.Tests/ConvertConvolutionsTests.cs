using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static Workbook.Sparse;

namespace Workbook.Tests;

public sealed class ConvertConvolutionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static Mask Prune(nn.Module model, double sparsity) => new Pruner(Saliency.Random(1)).Prune(model, sparsity);

    private static Sequential Images() => nn.Sequential(
        ("conv1", nn.Conv2d(3, 16, 3, padding: 1)), ("bn", nn.BatchNorm2d(16)), ("relu", nn.ReLU()), ("pool", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(16, 32, 3, stride: 2, padding: 1)), ("flatten", nn.Flatten()), ("fc", nn.Linear(32 * 4 * 4, 10)));

    [Fact]
    public void Convolutions_become_sparse_and_dense_again()
    {
        using Sequential net = Images();
        Mask mask = Prune(net, 0.9);
        Tensor images = Layers.Random(1, "images", 5, 3, 16, 16);
        string[] names = [.. net.state_dict().Keys];
        Conversion conversion = Convert(net, mask, fromSparsity: 0.5);
        Assert.Equal(["conv1", "conv2", "fc"], conversion.Layers.Where(l => l.StaysDense is null).Select(l => l.Name));
        Assert.Equal([typeof(SparseConv2d), typeof(SparseConv2d)], new[] { net[0].GetType(), net[4].GetType() });
        net.eval();
        Tensor sparse = net.forward(images);
        Assert.Equal(mask, ToDense(net));
        Assert.Equal(names, net.state_dict().Keys);
        net.eval();
        Layers.AssertClose(net.forward(images), sparse);
    }

    [Fact]
    public void Convolutions_are_measured_at_the_size_that_an_example_gives_them()
    {
        using Sequential net = Images();
        Mask mask = Prune(net, 0.97);
        Assert.Equal(["a convolution is measured with an example input of the model: give one", "a convolution is measured with an example input of the model: "
            + "give one"], Convert(net, mask).Layers.Take(2).Select(l => l.StaysDense));
        using Sequential other = Images();
        Conversion conversion = Convert(other, mask, example: Layers.Random(1, "images", 2, 3, 16, 16));
        Assert.All(conversion.Layers, layer => Assert.Equal(layer.Speedup > 1, layer.StaysDense is null));
        Assert.True(other.training);
    }

    [Fact]
    public void A_convolution_that_can_not_be_sparse_stays_and_says_why()
    {
        using Sequential net = nn.Sequential(("a", nn.Conv2d(2, 3, 3, padding: 1, padding_mode: PaddingModes.Circular)),
            ("b", nn.Conv2d(3, 2, 2, padding: Padding.Same)));
        Assert.Equal(["it pads with Circular, not with zeros", "it pads its two sides differently"],
            Convert(net, Prune(net, 0.9), fromSparsity: 0).Layers.Select(l => l.StaysDense));
    }

    [Fact]
    public void Sparse_convolutions_go_through_a_file()
    {
        using Sequential net = Images(), other = Images();
        Mask mask = Prune(net, 0.9);
        Convert(net, mask, fromSparsity: 0);
        string path = _folder.New();
        net.SaveSafeTensors(path);
        Load(other, path);
        Tensor images = Layers.Random(1, "images", 5, 3, 16, 16);
        net.eval();
        other.eval();
        Layers.AssertClose(net.forward(images), other.forward(images));
        Assert.Equal(mask, ToDense(other));
    }

    [Fact]
    public void A_training_with_sparse_convolutions_gives_what_the_masked_one_gives()
    {
        using Sequential net = Images(), other = Images();
        other.load_state_dict(net.state_dict());
        Mask mask = Prune(net, 0.9);
        using LabelledTensors data = new(Layers.Random(1, "images", 64, 3, 16, 16), arange(64, ScalarType.Int64) % 10);
        Recipe recipe = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.02 };
        Trainer.Train(net, data, recipe, 1, mask);
        Trainer.Train(other, data, recipe, 1, mask, new SparseTraining(0.5));
        Assert.Equal(net.state_dict().Keys, other.state_dict().Keys);
        Assert.All(net.state_dict(), p => Assert.True(
            (p.Value - other.state_dict()[p.Key]).abs().max().to(ScalarType.Float64).item<double>() < 1e-3, p.Key));
    }
}
