using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Models that change their inputs, that throw, and that are not of float32; optimizers that want a closure; numbers that can't be.</summary>
public sealed class AnyModelTests
{
    [Fact]
    public void A_model_that_changes_its_inputs_in_place_does_not_change_the_data()
    {
        using InPlaceNet net = new(), copy = new();
        copy.load_state_dict(net.state_dict());
        using LabelledTensors data = Data(ScalarType.Float32), before = new(data.Inputs.clone(), data.Labels.clone());
        using Tensor point = Point.Of(net);
        Score score = Trainer.Evaluate(net, data);
        foreach (Action look in new Action[]
        {
            () => Assert.Equal(score, Trainer.Evaluate(net, data)),
            () => Assert.Equal(Trainer.Backward(net, data), Trainer.Backward(net, data)),
            () => Assert.Equal(GradientNorm.Of(net, data).All, GradientNorm.Of(net, data).All),
            () => Hessian.LargestEigenvalues(net, data),
            () => Ensemble.Probabilities(net, data).Dispose(),
            () => Assert.Equal(score, Paths.Score(net, Paths.Line(point, point), [0.5], data, data)[0].Score),
            () => BezierCurve.Bend(net, point, point, data, new Recipe { Epochs = 1, BatchSize = 16, LearningRate = 0.01 }, 1).Dispose(),
        })
        {
            look();
            Assert.True(data.Inputs.equal(before.Inputs).all().item<bool>());
        }

        // Nor does a schedule that looks at the batch beforehand change it for the step: one that moves nothing trains as a mask that stays.
        Mask mask = Mask.Full(net);
        Recipe recipe = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.01 };
        Trainer.Train(net, data, recipe, 1, mask);
        Trainer.Train(copy, data, recipe, 1, DropAndGrow.RigL(mask) with { Every = 1 });
        Assert.Equal(net.parameters().SelectMany(p => p.data<float>().ToArray()), copy.parameters().SelectMany(p => p.data<float>().ToArray()));
    }

    [Fact]
    public void A_model_that_throws_is_left_in_the_mode_that_it_had()
    {
        using Throwing net = new();
        using LabelledTensors data = Data(ScalarType.Float32);
        using Tensor point = Point.Of(net);
        foreach (bool training in new[] { true, false })
        {
            net.train(training);
            net.inner.train(!training);
            Assert.All<Action>(
                [() => Trainer.Evaluate(net, data), () => GradientNorm.Of(net, data), () => Hessian.LargestEigenvalues(net, data), () =>
                    Ensemble.Probabilities(net, data),
                    () => Paths.Score(net, Paths.Line(point, point), [0, 1], data, data), () => BezierCurve.Bend(net, point, point, data, new Recipe(), 1),
                    () => Trainer.Train(net, data, new Recipe(), 1), () => Trainer.Backward(net, data)],
                call =>
                {
                    Assert.Throws<InvalidOperationException>(call);
                    Assert.Equal((training, !training), (net.training, net.inner.training));
                });
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Trainings_run_in_other_precisions_with_masks_schedules_and_probes(ScalarType dtype)
    {
        using Linear net = nn.Linear(6, 3, dtype: dtype);
        using LabelledTensors data = Data(dtype);
        Initializer.GlorotUniform.Apply(net, 1);
        Score before = Trainer.Evaluate(net, data);
        Mask start = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        foreach (OptimizerKind optimizer in Enum.GetValues<OptimizerKind>())
        {
            Recipe recipe = new() { Epochs = 5, BatchSize = 16, LearningRate = 0.02, Optimizer = optimizer };
            ScoreProbe score = Probe.Score(data);
            LossProbe loss = Probe.Loss();
            TrainingLog log = Trainer.Train(net, data, recipe, 1, DropAndGrow.RigL(start) with { Every = 3 }, score, loss, Probe.GradientNorm(data));
            Assert.Equal(log[score].Loss.Last, Trainer.Evaluate(net, data).Loss);
            Assert.True(log[loss].Last < log[loss].Values[0] && log[score].Loss.Last < before.Loss);
            Assert.Equal(dtype, net.weight.dtype);
            Assert.Equal(0, net.weight.masked_select(log.LoadMask()!["weight"].logical_not()).count_nonzero().item<long>());
        }

        using Tensor point = Point.Of(net);
        Assert.Equal(Trainer.Evaluate(net, data), Paths.Score(net, Paths.Line(point, point), [0], data)[0].Score);
        Assert.Equal(Trainer.Backward(net, data), Trainer.Evaluate(net, data).Loss, 0.02);
    }

    [Fact]
    public void A_score_in_half_precision_is_summed_in_single()
    {
        using Linear net = nn.Linear(6, 3, dtype: ScalarType.BFloat16), same = nn.Linear(6, 3);
        same.load_state_dict(net.state_dict().ToDictionary(s => s.Key, s => s.Value.to(ScalarType.Float32)));
        using LabelledTensors data = Data(ScalarType.BFloat16, 4000), single = new(data.Inputs.to(ScalarType.Float32), data.Labels.clone());
        Assert.Equal(Trainer.Evaluate(same, single).Loss, Trainer.Evaluate(net, data).Loss, 1e-3); // in bfloat16 the sum of 1,000 has steps of 4
    }

    [Fact]
    public void LBFGS_steps_with_a_closure_and_keeps_what_is_pruned_at_zero()
    {
        using Linear net = nn.Linear(6, 1);
        using DisposeScope scope = NewDisposeScope();
        Initializer.GlorotUniform.Apply(net, 1);
        Mask mask = new Pruner(Saliency.Random(1)).Prune(net, 0.5);
        using Generator generator = RandomStream.Of(1, "x");
        Tensor inputs = randn([50, 6], generator: generator), targets = inputs.mul(mask["weight"]).sum(1, keepdim: true);
        using BoundMask bound = mask.Bind(net);
        using optim.Optimizer lbfgs = optim.LBFGS(net.parameters(), 1);
        Assert.Contains("give Step a closure", Assert.Throws<WorkbookException>(() => bound.Step(lbfgs)).Message);
        int calls = 0;
        for (int step = 0; step < 5; step++)
        {
            bound.Step(lbfgs, () => Loss(lbfgs));
            Assert.Equal(0, net.weight.masked_select(mask["weight"].logical_not()).count_nonzero().item<long>());
        }

        // A least-squares problem of three weights: solved, which a direction through pruned weights would not do.
        Assert.True(calls > 5 && Loss(lbfgs).item<float>() < 1e-8f);

        using optim.Optimizer sgd = optim.SGD(net.parameters(), 0.1, momentum: 0.9);
        bound.Step(sgd, () => Loss(sgd));
        Assert.Equal(3, net.weight.count_nonzero().item<long>());

        Tensor Loss(optim.Optimizer optimizer)
        {
            calls++;
            optimizer.zero_grad();
            Tensor loss = net.forward(inputs).sub(targets).square().mean();
            loss.backward();
            return loss;
        }
    }

    [Fact]
    public void Layers_of_one_weight_keep_it_as_a_signed_constant()
    {
        using Sequential net = nn.Sequential(("a", nn.Linear(1, 1)), ("view", nn.Unflatten(1, [1, 1, 1])), ("c", nn.Conv2d(1, 1, 1)),
            ("wide", nn.Conv2d(1, 4, 1)));
        float a = net.get_parameter("a.weight")!.item<float>(), c = net.get_parameter("c.weight")!.item<float>();
        double deviation = net.get_parameter("wide.weight")!.std().item<float>();
        Controls.SignedConstant(net, Mask.Full(net));
        Assert.Equal((a, c), (net.get_parameter("a.weight")!.item<float>(), net.get_parameter("c.weight")!.item<float>()));
        Assert.All(net.get_parameter("wide.weight")!.data<float>().ToArray(), w => Assert.Equal(deviation, Math.Abs(w), 1e-6));
    }

    [Fact]
    public void Numbers_that_cannot_be_end_in_a_line_instead_of_never()
    {
        using Linear net = nn.Linear(6, 3);
        using LabelledTensors data = Data(ScalarType.Float32);
        Assert.All([0, -1, int.MinValue], size =>
            Assert.Equal($"a model is scored on 1 or more examples at a time, not {size}",
                Assert.Throws<WorkbookException>(() => Trainer.Evaluate(net, data, size)).Message));
        Assert.All([0, -1], threads => Assert.Equal($"runs take 1 thread or more, not {threads}",
            Assert.Throws<WorkbookException>(() => Replicas.Run([1], i => i, threads)).Message));
    }

    private static LabelledTensors Data(ScalarType dtype, int examples = 64)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(0, "data");
        Tensor inputs = randn([examples, 6], generator: generator);
        return new(inputs.to(dtype), inputs.narrow(1, 0, 3).argmax(1));
    }

    private sealed class Throwing : nn.Module<Tensor, Tensor>
    {
        public readonly Linear inner = nn.Linear(6, 3);

        internal Throwing()
            : base(nameof(Throwing)) => RegisterComponents();

        public override Tensor forward(Tensor input) => throw new InvalidOperationException("no");
    }
}
