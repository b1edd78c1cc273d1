using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class DynamicTrainingTests : IDisposable
{
    private readonly LabelledTensors _data;

    public DynamicTrainingTests()
    {
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "data");
        _data = new(randn([320, 12], generator: generator), randint(0, 4, [320], generator: generator)); // 10 batches of 32
    }

    private static readonly Recipe s_recipe = new() { Epochs = 4, BatchSize = 32, LearningRate = 0.05, WeightDecay = 1e-3 };

    public void Dispose() => _data.Dispose();

    private static Sequential Net() => nn.Sequential(("0", Linear(12, 16)), ("norm", nn.BatchNorm1d(16)), ("relu", nn.ReLU()), ("1", Linear(16, 4)));

    private static Linear Linear(int inputs, int outputs)
    {
        Linear layer = nn.Linear(inputs, outputs);
        Initializer.HeNormal.Apply(layer, inputs);
        return layer;
    }

    public static TheoryData<string, OptimizerKind, Func<Mask, MaskSchedule>> Schedules => new()
    {
        { "SET", OptimizerKind.Sgd, mask => DropAndGrow.Set(mask, 5) with { Every = 7 } },
        { "RigL", OptimizerKind.Sgd, mask => DropAndGrow.RigL(mask) with { Every = 7, Decay = DropDecay.LearningRate } },
        { "RigL, Adam", OptimizerKind.Adam, mask => DropAndGrow.RigL(mask) with { Every = 7 } },
        { "inverted RigL", OptimizerKind.Adam, mask => DropAndGrow.InvertedRigL(mask) with { Every = 7, LastStep = 20 } },
        { "gradual", OptimizerKind.Sgd, _ => new GradualPruning(new(Saliency.Magnitude), Schedule.Cubic(0.9, 5), 5, 5) },
        { "gradual by gradients", OptimizerKind.Sgd, _ =>
            new GradualPruning(new(Saliency.Taylor) { Scope = Scope.Global() }, Schedule.Iterative(0.9, 3), 0, 9) },
    };

    [Theory]
    [MemberData(nameof(Schedules), DisableDiscoveryEnumeration = true)]
    public void Pruned_weights_are_0_after_every_step_and_new_ones_start_at_0(string name, OptimizerKind optimizer, Func<Mask, MaskSchedule> build)
    {
        using Sequential net = Net();
        MaskSchedule schedule = build(new Pruner(Saliency.Magnitude).Prune(net, 0.7));
        Mask now = schedule.Start(net);
        int changes = 0;
        Mask? last = Trainer.Train(net, _data, s_recipe with { Optimizer = optimizer, LearningRate = 0.01 }, seed: 1, schedule, (_, _) => AssertZero(now),
            change =>
        {
            Assert.Equal(now, change.IsDone ? change.After : change.Before);
            now = change.After;
            AssertZero(change.IsDone ? change.After : change.Before);
            if (change.IsDone)
            {
                changes++;
                AssertZero(change.Before); // what has come starts at 0
            }
            else
            {
                AssertZero(change.Before);
            }
        });
        Assert.Equal(now, last);
        Assert.True(changes >= 2, name);
        Assert.NotEqual(schedule.Start(net), last);

        void AssertZero(Mask mask) => Assert.All(mask, m =>
            Assert.Equal(0, net.get_parameter(m.Key)!.masked_select(m.Value.logical_not()).count_nonzero().item<long>()));
    }

    [Theory]
    [MemberData(nameof(Schedules), DisableDiscoveryEnumeration = true)]
    public void A_seed_repeats_bit_for_bit(string name, OptimizerKind optimizer, Func<Mask, MaskSchedule> build)
    {
        float[][] weights = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            using Sequential net = Net();
            Trainer.Train(net, _data, s_recipe with { Optimizer = optimizer }, 1, build(new Pruner(Saliency.Magnitude).Prune(net, 0.7)));
            return Values(net);
        })];
        Assert.True(weights[0].SequenceEqual(weights[1]), name);
    }

    /// <summary>The schedule runs, gradients for it are taken, and the mask is bound anew: none of it leaves a trace, also not in the batch norm.</summary>
    [Fact]
    public void A_schedule_that_changes_nothing_is_training_with_the_mask_bit_for_bit()
    {
        using Sequential one = Net(), two = Net();
        Mask mask = new Pruner(Saliency.Magnitude).Prune(one, 0.7);
        int asked = 0;
        Trainer.Train(one, _data, s_recipe, 1, mask);
        Trainer.Train(two, _data, s_recipe, 1, DropAndGrow.RigL(mask) with { Every = 3, Fraction = 0 }, onChange: _ => asked++);
        Assert.Equal(2 * 13, asked);
        Assert.Equal(Values(one), Values(two));
    }

    /// <summary>
    /// The same steps by hand, with momentum 0 where a weight went or came: many changes among few pruned weights, so that some come back.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_goes_on_after_a_change_with_the_momentum_of_the_weights_that_stayed(bool parametersInGroups)
    {
        using Sequential net = Net(), byHand = Net();
        DropAndGrow schedule = DropAndGrow.RigL(new Pruner(Saliency.Magnitude).Prune(net, 0.3)) with { Every = 2, Decay = DropDecay.None };
        Recipe recipe = s_recipe with { Epochs = 1, Cosine = false, WeightDecay = 0, DecayKernelsOnly = parametersInGroups };
        List<Mask> masks = [schedule.Start(net)];
        Trainer.Train(net, _data, recipe, 1, schedule, onChange: change => masks.AddRange(change.IsDone ? [change.After] : []));
        Assert.Equal(5, masks.Count);
        Assert.Contains(masks[0].Keys, name => masks[0][name].logical_and(masks[1][name].logical_not()).logical_and(masks[2][name].logical_or(masks[3][name]))
            .any().item<bool>());

        Dictionary<string, Tensor> momentum = byHand.named_parameters().ToDictionary(p => p.name, p => zeros_like(p.parameter).detach());
        byHand.train();
        int step = 0;
        foreach ((Tensor inputs, Tensor labels) in Batches())
        {
            Mask now = masks[step / 2], before = masks[Math.Max(0, step - 1) / 2];
            now.Apply(byHand);
            byHand.zero_grad();
            nn.functional.cross_entropy(byHand.forward(inputs), labels).backward();
            using IDisposable noGrad = no_grad();
            foreach ((string name, Parameter parameter) in byHand.named_parameters())
            {
                bool masked = now.TryGetValue(name, out Tensor? kept);
                Tensor gradient = masked ? parameter.grad!.mul(kept!) : parameter.grad!;
                momentum[name] = (masked ? momentum[name].mul(before[name]).mul(kept!) : momentum[name]).mul(0.9).add(gradient);
                parameter.sub_(momentum[name].mul(0.05));
            }

            step++;
        }

        Assert.All(net.named_parameters().Zip(byHand.named_parameters()), p =>
            Assert.True(p.First.parameter.allclose(p.Second.parameter, 1e-4, 1e-6), p.First.name));

        IEnumerable<(Tensor, Tensor)> Batches()
        {
            using Generator generator = RandomStream.Of(1, "order");
            Tensor order = randperm(_data.Count, ScalarType.Int64, generator: generator);
            return [.. Enumerable.Range(0, 10).Select(i => (_data.Inputs[order.narrow(0, 32 * i, 32)], _data.Labels[order.narrow(0, 32 * i, 32)]))];
        }
    }

    /// <summary>A first step from empty moments has a length of its own, whatever the gradient; weights that come back had moments before.</summary>
    [Fact]
    public void Adams_moments_of_new_weights_are_empty()
    {
        using Sequential net = Net();
        DropAndGrow schedule = DropAndGrow.RigL(new Pruner(Saliency.Magnitude).Prune(net, 0.3)) with { Every = 2, Decay = DropDecay.None };
        Recipe recipe = s_recipe with { Optimizer = OptimizerKind.Adam, Cosine = false, LearningRate = 0.01, WeightDecay = 0 };
        MaskChange? last = null;
        int grown = 0;
        Trainer.Train(net, _data, recipe, 1, schedule, (step, _) =>
        {
            if (last is null || step != last.Step + 1)
            {
                return;
            }

            double length = 0.01 * 0.1 / (1 - Math.Pow(0.9, step)) * Math.Sqrt((1 - Math.Pow(0.999, step)) / 0.001);
            foreach ((string name, Tensor kept) in last.After)
            {
                using DisposeScope scope = NewDisposeScope();
                float[] moved = [.. net.get_parameter(name)!.abs().masked_select(kept.logical_and(last.Before[name].logical_not())).data<float>().ToArray()];
                Assert.All(moved.Where(w => w != 0), w => Assert.Equal(length, w, length * 1e-2));
                grown += moved.Count(w => w != 0);
            }
        }, change => last = change);
        Assert.True(grown > 100);
    }

    [Fact]
    public void A_thousand_changes_leave_nothing_behind_but_the_masks_that_were_told()
    {
        using Sequential net = Net();
        DropAndGrow schedule = DropAndGrow.RigL(new Pruner(Saliency.Magnitude).Prune(net, 0.7)) with { Every = 1 };
        Trainer.Train(net, _data, s_recipe, 1, schedule);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Trainer.Train(net, _data, s_recipe with { Epochs = 100 }, 1, schedule);
        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - before, 0, (999 * 2) + 50); // two layers
    }

    [Fact]
    public void Gradual_pruning_reaches_each_sparsity_after_its_step()
    {
        using Sequential net = Net();
        GradualPruning schedule = new(new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("1") }, [0.25, 0.5, 0.75], 5, 10);
        List<(long, double)> reached = [];
        Mask? last = Trainer.Train(net, _data, s_recipe, 1, schedule, onChange: change =>
        {
            if (change.IsDone)
            {
                reached.Add((change.Step, change.After.SparsityOf("0.weight")));
            }
        });
        Assert.Equal([(15, 0.25), (25, 0.5), (35, 0.75)], reached);
        Assert.Equal(["0.weight"], last!.Keys);
    }

    [Fact]
    public void Only_kernels_decay_where_the_recipe_says_so()
    {
        foreach (OptimizerKind optimizer in Enum.GetValues<OptimizerKind>())
        {
            using Sequential all = Net(), kernels = Net(), none = Net();
            Recipe recipe = s_recipe with { Optimizer = optimizer, WeightDecay = 0.1, BatchSize = 320, Epochs = 1, LearningRate = 0.01 };
            foreach (Sequential net in new[] { all, kernels, none })
            {
                using IDisposable noGrad = no_grad();
                net.get_parameter("1.bias")!.fill_(5);
            }

            Trainer.Train(all, _data, recipe, 1);
            Trainer.Train(kernels, _data, recipe with { DecayKernelsOnly = true }, 1);
            Trainer.Train(none, _data, recipe with { WeightDecay = 0 }, 1);
            Assert.All(all.named_parameters().Zip(kernels.named_parameters(), none.named_parameters()), p =>
                Assert.True(p.Second.parameter.equal(p.Second.parameter.dim() > 1 ? p.First.parameter : p.Third.parameter).all().item<bool>(), p.First.name));
            Assert.NotEqual(all.get_parameter("1.bias")!.data<float>().ToArray(), kernels.get_parameter("1.bias")!.data<float>().ToArray());
        }
    }

    public static TheoryData<string, Func<Mask, MaskSchedule>> BadSchedules => new()
    {
        { "dropped is from 0 to 1, not 1.5", mask => DropAndGrow.RigL(mask) with { Fraction = 1.5 } },
        { "dropped is from 0 to 1, not NaN", mask => DropAndGrow.RigL(mask) with { Fraction = double.NaN } },
        { "every 1 or more steps, not every 0", mask => DropAndGrow.Set(mask, 1) with { Every = 0 } },
        { "after step 40, but the training has only 40 steps", mask => DropAndGrow.RigL(mask) with { LastStep = 40 } },
        { "every 1 or more steps, not every -1", _ => new GradualPruning(new(Saliency.Magnitude), [0.5], 0, -1) },
        { "at a step from 0, not -1", _ => new GradualPruning(new(Saliency.Magnitude), [0.5], -1, 1) },
        { "after step 3040, but the training has only 40 steps", _ => new GradualPruning(new(Saliency.Magnitude), Schedule.Cubic(0.95, 4), 3000, 10) },
        { "pruned weights do not come back", _ => new GradualPruning(new(Saliency.Magnitude), [0.5, 0.25], 0, 1) },
        { "has no parameter '7.weight'", _ => DropAndGrow.RigL(new Mask([KeyValuePair.Create("7.weight", ones(1))])) },
    };

    [Theory]
    [MemberData(nameof(BadSchedules), DisableDiscoveryEnumeration = true)]
    public void A_schedule_that_cannot_work_is_said_in_one_line(string says, Func<Mask, MaskSchedule> build)
    {
        using Sequential net = Net();
        WorkbookException e = Assert.Throws<WorkbookException>(() =>
            Trainer.Train(net, _data, s_recipe, 1, build(new Pruner(Saliency.Magnitude).Prune(net, 0.5))));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    private static float[] Values(Sequential net) => [.. net.state_dict().Values.SelectMany(t => t.to(ScalarType.Float32).data<float>().ToArray())];
}
