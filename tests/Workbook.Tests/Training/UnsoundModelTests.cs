using CsCheck;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>A finished training has a model of numbers: neither a batch of one behind a norm, nor NaN in the data, passes for one.</summary>
public sealed class UnsoundModelTests
{
    private static readonly Recipe s_recipe = new() { Epochs = 2, BatchSize = 64, LearningRate = 0.01 };

    private static Sequential Flat(nn.Module<Tensor, Tensor> norm) => nn.Sequential(("l", nn.Linear(16, 8)), ("norm", norm), ("f", nn.Linear(8, 3)));

    private static Sequential Pooled(nn.Module<Tensor, Tensor> norm, bool pools = true) => nn.Sequential(
        ("view", nn.Unflatten(1, [1, 4, 4])), ("c", nn.Conv2d(1, 8, 3)), ("pool", nn.AdaptiveAvgPool2d(pools ? 1 : 2)), ("norm", norm), ("flat", nn.Flatten()),
            ("f", nn.Linear(pools ? 8 : 32, 3)));

    public static TheoryData<string, Func<Sequential>> NetsThatNeedTwo => new()
    {
        { "1d", () => Flat(nn.BatchNorm1d(8)) },
        { "1d without statistics", () => Flat(nn.BatchNorm1d(8, track_running_stats: false)) },
        { "1d without anything", () => Flat(nn.BatchNorm1d(8, affine: false, track_running_stats: false)) },
        { "1d within", () => nn.Sequential(("inner", Flat(nn.BatchNorm1d(8)))) },
        { "2d behind a global pool", () => Pooled(nn.BatchNorm2d(8)) },
        { "instance norm behind a global pool", () => Pooled(nn.InstanceNorm2d(8, track_running_stats: true)) },
    };

    [Theory]
    [MemberData(nameof(NetsThatNeedTwo), DisableDiscoveryEnumeration = true)]
    public void A_batch_of_one_behind_a_norm_is_refused_before_the_training_starts(string _, Func<Sequential> create)
    {
        foreach ((int examples, int batch) in new[] { (65, 64), (129, 64), (7, 1), (1, 64), (3, 2) })
        {
            using Sequential net = create();
            using LabelledTensors data = Data(examples);
            float[] before = State(net);
            string message = Assert.Throws<WorkbookException>(() => Trainer.Train(net, data, s_recipe with { BatchSize = batch }, 1)).Message;
            Assert.StartsWith($"{examples} examples in batches of {batch} make a batch of one, of which the norm '", message);
            Assert.Contains("norm' gets one value a channel", message);
            Assert.Equal(before, State(net));
            Assert.True(net.training);
        }
    }

    [Fact]
    public void Larger_batches_norms_that_see_more_values_and_trainings_that_end_before_are_as_they_were()
    {
        foreach ((int examples, int batch, double epochs) in new[] { (66, 64, 1.0), (64, 64, 1), (65, 64, 0.5), (129, 64, 0.6) })
        {
            using Sequential net = Flat(nn.BatchNorm1d(8));
            using LabelledTensors data = Data(examples);
            Trainer.Train(net, data, s_recipe with { BatchSize = batch, Epochs = epochs }, 1);
            Assert.True(double.IsFinite(Trainer.Evaluate(net, data).Loss));
        }

        GroupNorm groups = nn.GroupNorm(2, 8); // begins with whatever its memory holds
        using (no_grad())
        {
            groups.weight!.fill_(1);
            groups.bias!.zero_();
        }

        foreach (Sequential made in new[] { Flat(nn.LayerNorm(8)), Pooled(nn.BatchNorm2d(8), pools: false), Pooled(groups) })
        {
            using Sequential net = made;
            using LabelledTensors data = Data(65);
            Trainer.Train(net, data, s_recipe, 1);
            Assert.True(double.IsFinite(Trainer.Evaluate(net, data).Loss));
        }
    }

    [Fact]
    public void A_gradient_or_a_curve_on_one_example_behind_a_norm_is_refused_too()
    {
        using Sequential net = Flat(nn.BatchNorm1d(8));
        using LabelledTensors one = Data(1), more = Data(65);
        float[] before = State(net);
        using Tensor point = Point.Of(net);
        Assert.All<Action>(
            [() => Trainer.Backward(net, one), () => GradientNorm.Of(net, one), () => Hessian.LargestEigenvalues(net, one),
                () => Paths.Score(net, Paths.Line(point, point), [0, 1], more, one), () => BezierCurve.Bend(net, point, point, more, s_recipe, 1)],
            call => Assert.Contains("the norm 'norm' gets one value a channel", Assert.Throws<WorkbookException>(call).Message));
        Assert.Equal(before, State(net));
        net.eval();
        Assert.True(double.IsFinite(Trainer.Backward(net, one)));
    }

    [Theory]
    [InlineData(1001)]
    [InlineData(2001)]
    [InlineData(2)]
    public void Statistics_of_a_path_take_a_last_example_with_those_before_it(int examples)
    {
        using Sequential net = Flat(nn.BatchNorm1d(8));
        using LabelledTensors data = Data(examples);
        using Tensor point = Point.Of(net);
        Assert.All(Paths.Score(net, Paths.Line(point, point), [0, 1], data, data), p => Assert.True(double.IsFinite(p.Score.Loss)));
    }

    [Fact]
    public void A_model_that_becomes_or_is_not_a_number_is_no_finished_training()
    {
        using LabelledTensors data = Data(64);
        using Sequential buffer = Flat(nn.BatchNorm1d(8)), weight = Flat(nn.Identity());
        using IDisposable noGrad = no_grad();
        ((BatchNorm1d)buffer[1]).running_mean!.fill_(double.PositiveInfinity);
        weight.get_parameter("f.bias")![0] = float.NaN;
        foreach ((Sequential net, string name) in new[] { (buffer, "norm.running_mean"), (weight, "f.bias") })
        {
            foreach (double epochs in new[] { 0.0, 1 })
            {
                Assert.StartsWith($"'{name}' holds NaN or infinity before the training's first step",
                    Assert.Throws<WorkbookException>(() => Trainer.Train(net, data, s_recipe with { Epochs = epochs }, 1)).Message);
            }
        }

        // The last step's loss is still a number.
        using IDisposable grad = enable_grad();
        using Sequential plain = Flat(nn.Identity());
        using LabelledTensors large = new(data.Inputs.mul(1e4), data.Labels.clone());
        Assert.Contains("holds NaN or infinity after its last step): use a lower learning rate than 3E+38",
            Assert.Throws<WorkbookException>(() => Trainer.Train(plain, large, s_recipe with { Epochs = 1, LearningRate = 3e38 }, 1)).Message);
    }

    [Fact]
    public void Pruned_weights_that_are_not_numbers_and_masks_of_attention_are_fine()
    {
        using LabelledTensors data = Data(64);
        using Sequential net = Flat(nn.Identity());
        net.register_buffer("attention", zeros(3, 3).masked_fill(ones(3, 3).triu(1).to(ScalarType.Bool), double.NegativeInfinity));
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        using (no_grad())
        {
            Tensor first = net.get_parameter("l.weight")!;
            first.masked_fill_(mask["l.weight"].logical_not(), double.NaN);
        }

        Trainer.Train(net, data, s_recipe, 1, mask);
        Assert.True(double.IsFinite(Trainer.Evaluate(net, data).Loss));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Data_that_is_not_a_number_is_not_the_learning_rates_fault(float value)
    {
        using Tensor inputs = randn(64, 16);
        inputs[17, 3] = value;
        using LabelledTensors data = new(inputs.clone(), randint(0, 3, 64)) { Name = "table" };
        foreach (nn.Module<Tensor, Tensor> norm in new nn.Module<Tensor, Tensor>[] { nn.Identity(), nn.BatchNorm1d(8) })
        {
            using Sequential net = Flat(norm);
            Assert.Equal("example 17 of table holds NaN or infinity: mend the data, or leave it out",
                Assert.Throws<WorkbookException>(() => Trainer.Train(net, data, s_recipe with { BatchSize = 16 }, 1)).Message);
        }
    }

    private static LabelledTensors Data(int examples)
    {
        using Generator generator = RandomStream.Of(examples, "data");
        return new(randn([examples, 16], generator: generator), randint(0, 3, [examples], generator: generator));
    }

    private static float[] State(nn.Module net) => [.. net.state_dict().Values.SelectMany(t => t.detach().to(ScalarType.Float32).data<float>().ToArray())];
}
