using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ModelCountTests
{
    [Fact]
    public void LeNet5_wide_by_hand()
    {
        using LeNet5 net = LeNet5.Wide(1);
        ModelCount count = ModelCount.Of(net, zeros(3, 1, 28, 28));

        // 5×5 kernels over 24×24 and 8×8 positions, then matrices.
        Assert.Equal([25L * 20 * 576, 25L * 20 * 50 * 64, 800L * 500, 500L * 10], count.Layers.Select(l => l.Macs!.Value));
        Assert.Equal((431_080, 288_000 + 1_600_000 + 400_000 + 5_000), (count.Parameters, count.Macs));
        Assert.Equal(431_080 * 4, count.DenseBytes);
        // Its biases are 0 at the start: weights all count.
        Assert.Equal((430_500, count.Macs), (count.NonZeros, count.EffectiveMacs));
    }

    /// <summary>As Inception's second head, which runs in training only.</summary>
    private sealed class WithSpareHead : nn.Module<Tensor, Tensor>
    {
        private readonly Linear first = nn.Linear(4, 3), spare = nn.Linear(3, 2);
        private readonly Conv2d unused = nn.Conv2d(1, 2, 3);

        internal WithSpareHead()
            : base(nameof(WithSpareHead)) => RegisterComponents();

        public override Tensor forward(Tensor input) => training ? spare.forward(first.forward(input)) : first.forward(input);
    }

    [Fact]
    public void A_layer_that_does_not_run_multiplies_nothing_and_has_its_parameters()
    {
        using WithSpareHead net = new();
        ModelCount count = ModelCount.Of(net, zeros(2, 4));
        Assert.Equal([("first", 12L, 15L), ("spare", 0L, 8L), ("unused", 0L, 20L)], count.Layers.Select(l => (l.Name, l.Macs!.Value, l.Parameters)));
        Assert.Empty(count.Uncounted);
    }

    [Fact]
    public void LeNet5_classic_by_hand()
    {
        using LeNet5 net = LeNet5.Classic(1);
        ModelCount count = ModelCount.Of(net, zeros(1, 1, 28, 28));

        Assert.Equal((44_426, (25 * 6 * 576) + (25 * 6 * 16 * 64) + (256 * 120) + (120 * 84) + (84 * 10)), (count.Parameters, count.Macs));
    }

    [Fact]
    public void Vgg11_by_hand()
    {
        using Vgg11 net = new();
        ModelCount count = ModelCount.Of(net, zeros(1, 3, 64, 64));
        long[] convolutions = [3L * 64, 64L * 128, 128L * 256, 256L * 256, 256L * 512, 512L * 512, 512L * 512, 512L * 512];
        long[] sides = [64, 32, 16, 16, 8, 8, 4, 4];

        Assert.Equal(132_863_336, count.Parameters);
        Assert.Equal(convolutions.Zip(sides, (weights, side) => weights * 9 * side * side).Sum() + (25_088L * 4096) + (4096L * 4096) + (4096L * 1000),
            count.Macs);
    }

    [Fact]
    public void ResNet18_at_224_pixels_has_the_published_numbers()
    {
        using ResNet18 net = new();
        ModelCount count = ModelCount.Of(net, zeros(1, 3, 224, 224));

        // The stem over 112², 4 convolutions of 64 channels over 56², then each stage: half the side, twice the channels, one convolution from half of them,
        // one 1×1.
        long stem = 3L * 64 * 49 * 112 * 112, first = 4L * 64 * 64 * 9 * 56 * 56;
        long Stage(long channels, long side) => ((3 * channels * channels * 9) + (channels / 2 * channels * 10)) * side * side;
        long byHand = stem + first + Stage(128, 28) + Stage(256, 14) + Stage(512, 7) + (512 * 1000);
        Assert.Equal((11_689_512, byHand), (count.Parameters, count.Macs));
        Assert.Equal(1.814, byHand / 1e9, 3);
    }

    [Fact]
    public void MobileNetV2_at_224_pixels_has_the_published_numbers()
    {
        using MobileNetV2 net = new();
        ModelCount count = ModelCount.Of(net, zeros(1, 3, 224, 224));

        long byHand = (27L * 32 * 112 * 112) + (320L * 1280 * 49) + (1280 * 1000), channels = 32, side = 112;
        foreach ((long expansion, long outputs, int blocks, int stride) in new[] { (1L, 16L, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1) })
        {
            for (int block = 0; block < blocks; block++)
            {
                long hidden = channels * expansion, after = block == 0 ? side / stride : side;
                byHand += (expansion == 1 ? 0 : channels * hidden * side * side) + (hidden * 9 * after * after) + (hidden * outputs * after * after);
                (channels, side) = (outputs, after);
            }
        }

        Assert.Equal((3_504_872, byHand), (count.Parameters, count.Macs));
        Assert.Equal(300.8, byHand / 1e6, 1);
    }

    [Fact]
    public void Zeros_count_less_and_compress()
    {
        using Linear layer = nn.Linear(10, 4);
        new Mask([new("weight", cat([ones(1, 10), zeros(3, 10)]))]).Apply(layer);
        LayerCount count = ModelCount.Of(layer, zeros(7, 10)).Layers.Single();

        Assert.Equal(("", "Linear", 44, 14, 40L, 10L), (count.Name, count.Kind, count.Parameters, count.NonZeros, count.Macs, count.EffectiveMacs));
        // Ten values and ten indices, five row starts, four biases; whole it is 44 values.
        Assert.Equal((44 * 4, (10 * 8) + (5 * 4) + (4 * 4)), (count.DenseBytes, count.CompressedBytes));
    }

    [Fact]
    public void Sparse_layers_count_as_the_masked_ones_that_they_were()
    {
        using LeNet300100 net = new(1);
        Mask mask = new Pruner(Saliency.Random(1)) { Scope = Scope.PerLayer((name, sparsity) => name.StartsWith("fc3") ? 0.5 : sparsity) }.Prune(net, 0.95);
        mask.Apply(net);
        Tensor example = zeros(3, 784);
        ModelCount masked = ModelCount.Of(net, example);
        Conversion conversion = Workbook.Sparse.Convert(net, mask, fromSparsity: 0.9);
        ModelCount sparse = ModelCount.Of(net, example);

        Assert.Equal(["SparseLinear", "SparseLinear", "Linear"], sparse.Layers.Select(l => l.Kind));
        Assert.Equal(mask.Kept - conversion.Remaining.Kept + 1000 + 410, sparse.Parameters);
        Assert.Equal((266_200, mask.Kept), (sparse.Macs, sparse.EffectiveMacs));
        Assert.Equal(masked.Layers, sparse.Layers.Zip(masked.Layers, (s, m) => s with { Kind = m.Kind, Parameters = m.Parameters }));
    }

    [Fact]
    public void A_sparse_layer_counts_every_row_of_an_example_and_says_which_input_it_takes()
    {
        using SparseLinear layer = new(nn.Linear(6, 4), cat([ones(1, 6), zeros(3, 6)]), 1);

        Assert.Equal((5 * 24, 5 * 6), (ModelCount.Of(layer, zeros(2, 5, 6)).Macs, ModelCount.Of(layer, zeros(2, 5, 6)).EffectiveMacs));
        Assert.StartsWith("the model does not take the example input of shape [2, 7]: the sparse layer takes [.., 6]",
            Assert.Throws<WorkbookException>(() => ModelCount.Of(layer, zeros(2, 7))).Message);
    }

    [Fact]
    public void A_masked_model_counts_as_many_effective_operations_as_the_model_without_the_channels()
    {
        using ResNet18 net = new(8);
        Tensor example = zeros(1, 3, 32, 32);
        ChannelGraph graph = ChannelGraph.Trace(net, example);
        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        mask.Apply(net);
        ModelCount masked = ModelCount.Of(net, example);
        graph.Remove(mask);
        ModelCount removed = ModelCount.Of(net, example);

        Assert.True(removed.Macs < masked.Macs / 2);
        Assert.Equal((masked.EffectiveMacs, masked.NonZeros), (removed.Macs, removed.NonZeros));
    }

    [Fact]
    public void Strides_dilation_groups_and_padding_as_text_count_too()
    {
        using Conv2d strided = nn.Conv2d(4, 6, 3, stride: 2, dilation: 2, groups: 2), same = nn.Conv2d(4, 6, (5, 3), padding: Padding.Same),
            reflected = nn.Conv2d(4, 6, 3, padding: 1, padding_mode: PaddingModes.Reflect);
        Tensor example = zeros(2, 4, 13, 12);

        // (13 − 4 − 1)/2 + 1 = 5, (12 − 4 − 1)/2 + 1 = 4 positions.
        Assert.Equal(5 * 4 * 6 * 2 * 9, ModelCount.Of(strided, example).Macs);
        Assert.Equal(13 * 12 * 6 * 4 * 15, ModelCount.Of(same, example).Macs);
        Assert.Equal(13 * 12 * 6 * 4 * 9, ModelCount.Of(reflected, example).Macs);
    }

    [Fact]
    public void An_input_that_does_not_fit_is_named_and_the_model_stays()
    {
        using LeNet5 net = LeNet5.Wide(1);
        string before = string.Join(' ', net.parameters().Select(p => $"{string.Join(',', p.shape)}={p.sum().item<float>()}"));
        WorkbookException e = Assert.Throws<WorkbookException>(() => ModelCount.Of(net, zeros(1, 1, 32, 32)));

        Assert.Equal("the model does not take the example input of shape [1, 1, 32, 32]: mat1 and mat2 shapes cannot be multiplied (1x1250 and 800x500)",
            e.Message);
        Assert.Equal(before, string.Join(' ', net.parameters().Select(p => $"{string.Join(',', p.shape)}={p.sum().item<float>()}")));
    }
}
