using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class LayerSpeedTests : IDisposable
{
    private static readonly Roof s_roof = new(100, [new(1 << 10, 400), new(1 << 20, 100), new(1 << 30, 10)]);
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_layers_operations_and_bytes_are_counted_over_what_is_left()
    {
        using Linear linear = nn.Linear(20, 10);
        Tensor half = Layers.Random(1, "mask", 10, 20) >= 0;
        long left = half.sum().item<long>();
        LayerSpeed speed = LayerSpeed.Measure(linear, half, Layers.Random(1, "input", 32, 20), pairs: 1);
        Assert.Equal(1 - (left / 200.0), speed.Sparsity, 12);
        Assert.Equal(2.0 * left * 32, speed.Operations);
        Assert.Equal((4 * 32 * (20 + 10)) + (8 * left), speed.Bytes);
        Assert.True(speed.Gigaflops > 0 && speed.DenseGigaflops > 0 && speed.TimesAsFast > 0);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(1)]
    public void A_convolution_is_measured_over_every_place_of_its_images_and_stays_as_it_is(int batch)
    {
        using Conv2d conv = nn.Conv2d(4, 6, 3, padding: 1);
        Tensor before = conv.weight.detach().clone(), kept = ones(6, 4, 3, 3, dtype: ScalarType.Bool);
        int threads = get_num_threads();
        LayerSpeed speed = LayerSpeed.Measure(conv, kept, Layers.Random(1, "images", batch, 4, 8, 8), pairs: 1);
        Assert.Equal(0, speed.Sparsity);
        Assert.Equal(2.0 * 216 * 64 * batch, speed.Operations);
        Assert.True(speed.Bytes >= (4 * batch * 64 * (4 + 6)) + (8 * 216));
        Assert.True(conv.weight.eq(before).all().item<bool>());
        Assert.Equal(threads, get_num_threads());
    }

    [Fact]
    public void Layers_that_can_not_be_sparse_and_no_pairs_are_refused()
    {
        using BatchNorm2d norm = nn.BatchNorm2d(4);
        using Linear linear = nn.Linear(3, 2);
        Tensor kept = ones(2, 3, dtype: ScalarType.Bool), input = ones(1, 3);
        Assert.Equal("the speed of a Linear or a Conv2d can be measured, not of a BatchNorm2d",
            Assert.Throws<WorkbookException>(() => LayerSpeed.Measure(norm, kept, input)).Message);
        Assert.Equal("0 pairs can't be timed: at least 1 is needed",
            Assert.Throws<WorkbookException>(() => LayerSpeed.Measure(linear, kept, input, pairs: 0)).Message);
    }

    [Fact]
    public void The_break_even_lies_between_the_sparsities_around_it()
    {
        Assert.Equal(0.75, LayerSpeed.BreakEven([0.5, 0.7, 0.8, 0.9], [0.25, 0.5, 2, 4])!.Value, 12);
        Assert.Equal(0.8, LayerSpeed.BreakEven([0.5, 0.8, 0.9], [0.5, 1, 2])!.Value, 12);
        Assert.Equal(0.5, LayerSpeed.BreakEven([0.5, 0.9], [1.5, 3]));
        Assert.Null(LayerSpeed.BreakEven([0.5, 0.9], [0.2, 0.9]));
    }

    [Fact]
    public void The_roof_is_level_at_the_peak_and_falls_with_what_can_be_read()
    {
        Assert.Equal(100, s_roof.Limit(intensity: 50, bytes: 1 << 20));
        Assert.Equal(50, s_roof.Limit(intensity: 0.5, bytes: 1 << 20), 9);
        Assert.Equal(200, s_roof.Bandwidth(1 << 15), 9); // half-way between 2¹⁰ and 2²⁰, by logarithms
        Assert.Equal((400, 10), (s_roof.Bandwidth(1), s_roof.Bandwidth(1L << 40)));
        LayerSpeed speed = new(0.9, TimesAsFast: 5, Gigaflops: 25, DenseGigaflops: 50, Operations: 1 << 19, Bytes: 1 << 20);
        Assert.Equal(0.5, speed.PartOf(s_roof), 9);
        Assert.Equal((2, 0.5), (Math.Round(speed.Alpha, 9), Math.Round(speed.Pays, 9)));
        Assert.Equal((double.PositiveInfinity, 1), ((speed with { Gigaflops = 0 }).Alpha, (speed with { Gigaflops = 0 }).Pays));
    }

    [Fact]
    public void A_machines_roof_has_a_peak_and_readings_of_rising_size()
    {
        Roof roof = Roof.Measure();
        Assert.True(roof.Peak > 0);
        Assert.Equal(roof.Readings.OrderBy(r => r.Bytes), roof.Readings);
        Assert.All(roof.Readings, reading => Assert.True(reading.Bandwidth > 0));
    }
}
