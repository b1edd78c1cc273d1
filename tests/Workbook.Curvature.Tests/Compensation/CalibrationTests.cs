using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class CalibrationTests
{
    private static Tensor Images(long count, long channels = 4)
    {
        using Generator generator = RandomStream.Of(1, "images");
        return randn([count, channels, 9, 9], dtype: ScalarType.Float64, generator: generator);
    }

    [Theory]
    [InlineData(1, 1, 0, 1)]
    [InlineData(2, 1, 1, 1)]
    [InlineData(1, 2, 2, 2)]
    [InlineData(3, 1, 1, 4)]
    public void A_convolutions_moments_give_the_mean_square_of_what_it_answers(int stride, int dilation, int padding, int groups)
    {
        using DisposeScope scope = NewDisposeScope();
        Conv2d conv = Conv2d(4, 8, 3, stride: stride, padding: padding, dilation: dilation, groups: groups, bias: false);
        using Sequential net = Sequential(("conv", conv));
        net.to(ScalarType.Float64);
        Tensor images = Images(7);
        using Calibration calibration = Calibration.Of(net, images, batchSize: 3);
        Tensor moments = calibration.Moments["conv.weight"], rows = conv.weight!.detach().reshape(groups, 8 / groups, -1);
        Tensor squares = rows.matmul(moments).mul(rows).sum(2).flatten();
        Assert.True(squares.sub(net.forward(images).square().mean([0, 2, 3])).abs().max().item<double>() < 1e-10);
    }

    [Fact]
    public void The_batch_does_not_change_the_moments_and_the_model_stays_as_it_was()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("conv", Conv2d(4, 3, 3)), ("norm", BatchNorm2d(3)), ("flat", Flatten()), ("fc", Linear(147, 5)));
        net.to(ScalarType.Float64);
        net.train();
        string before = State.Of(net);
        Tensor images = Images(50);
        using Calibration few = Calibration.Of(net, images, batchSize: 7), all = Calibration.Of(net, images, batchSize: 50);
        Assert.All(few.Moments, m => Assert.True(m.Value.sub(all.Moments[m.Key]).abs().max().item<double>() < 1e-10));
        Assert.Equal(before, State.Of(net));
        Assert.True(net.training);
        Assert.Equal(["fc.weight saw 50 inputs for 147 weights of each output: in the directions not seen only the damping counts"], all.Warnings);
    }

    [Fact]
    public void What_is_wrong_is_said_in_one_line()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Sequential(("fc", Linear(20, 5))), other = Sequential(("fc", Linear(10, 5)));
        Tensor inputs = randn([8, 20], generator: RandomStream.Of(1));
        string Fault(Action act) => Assert.Throws<WorkbookException>(act).Message;
        using Calibration few = Calibration.Of(net, inputs, damping: 0), fine = Calibration.Of(net, inputs);
        Mask half = new Pruner(Saliency.Magnitude).Prune(net, 0.2);
        string singular = "the inputs of 'fc.weight' are singular: 8 were seen for 20 weights of each output, and some never vary; calibrate on more "
            + "examples, or with a damping above 0";
        string before = State.Of(net);
        Assert.Equal(singular, Fault(() => Compensation.LeastSquares(few).Apply(net, half)));
        Assert.Equal(singular, Fault(() => new SparseGpt(few).Prune(net, 0.5)));
        Assert.Equal(singular, Fault(() => new Pruner(few.LayerObs).Prune(net, 0.5)));
        Assert.Equal(before, State.Of(net));
        Assert.Contains("calibration saw 20 inputs: calibrate anew", Fault(() => new SparseGpt(fine).Prune(other, 0.5)), StringComparison.Ordinal);
        Assert.Contains("no examples to calibrate on", Fault(() => Calibration.Of(net, inputs[..0])), StringComparison.Ordinal);
        Assert.Contains("hold NaN or infinity", Fault(() => Calibration.Of(net, inputs.div(0))), StringComparison.Ordinal);
        Assert.Contains("a damping is a share from 0 on, not -1", Fault(() => Calibration.Of(net, inputs, damping: -1)), StringComparison.Ordinal);
        Assert.Contains("most of them for 'fc.weight'", Fault(() => Calibration.Of(net, inputs, mostBytes: 100)), StringComparison.Ordinal);
        Assert.Contains("multiple of 8 inputs; 'fc.weight' has 20", Fault(() => new SparseGpt(fine).Prune(net, 4, 8)), StringComparison.Ordinal);
        Assert.Contains("knows nothing of 'fc.weight'", Fault(() => new Pruner(Calibration.Of(net, inputs, except: ["fc"]).Wanda).Prune(net, 0.5)),
            StringComparison.Ordinal);
        using (no_grad())
        {
            net.parameters().First().fill_(float.NaN);
        }

        Assert.Equal("'fc.weight' holds NaN or infinity: start from another model", Fault(() => Compensation.LeastSquares(fine).Apply(net, half)));
        Assert.Equal("'fc.weight' holds NaN or infinity: start from another model", Fault(() => Calibration.Of(net, inputs)));
    }
}
