using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>The most frequent bug of pruning code: weights that come back through momentum or weight decay.</summary>
public sealed class ExactZeroTests
{
    public static TheoryData<string, Func<IEnumerable<Parameter>, optim.Optimizer>> Optimizers => new()
    {
        { "SGD", p => optim.SGD(p, 0.1) },
        { "SGD, momentum, weight decay", p => optim.SGD(p, 0.1, momentum: 0.9, weight_decay: 0.01) },
        { "SGD, Nesterov", p => optim.SGD(p, 0.1, momentum: 0.9, nesterov: true) },
        { "Adam", p => optim.Adam(p, 0.01, weight_decay: 0.01) },
        { "Adam, amsgrad", p => optim.Adam(p, 0.01, amsgrad: true) },
        { "AdamW", p => optim.AdamW(p, 0.01, weight_decay: 0.1) },
        { "NAdam", p => optim.NAdam(p, 0.01) },
        { "RAdam", p => optim.RAdam(p, 0.01) },
        { "Adamax", p => optim.Adamax(p, 0.01) },
        { "Adadelta", p => optim.Adadelta(p, 1) },
        { "Adagrad", p => optim.Adagrad(p, 0.1) },
        { "RMSProp", p => optim.RMSProp(p, 0.01, momentum: 0.9) },
        { "Rprop", p => optim.Rprop(p, 0.01) },
        { "ASGD", p => optim.ASGD(p, 0.1) },
    };

    /// <summary>What torch.optim.lr_scheduler has, over ten steps.</summary>
    private static readonly Func<optim.Optimizer, optim.lr_scheduler.LRScheduler?>[] s_schedulers =
    [
        _ => null,
        o => optim.lr_scheduler.StepLR(o, 2),
        o => optim.lr_scheduler.MultiStepLR(o, [1, 3]),
        o => optim.lr_scheduler.ExponentialLR(o, 0.5),
        o => optim.lr_scheduler.LinearLR(o),
        o => optim.lr_scheduler.ConstantLR(o),
        o => optim.lr_scheduler.PolynomialLR(o, 4, 2),
        o => optim.lr_scheduler.LambdaLR(o, step => 1.0 / (step + 1)),
        o => optim.lr_scheduler.MultiplicativeLR(o, _ => 0.9),
        o => optim.lr_scheduler.CosineAnnealingLR(o, 5),
        o => optim.lr_scheduler.CyclicLR(o, 0.001, 0.1, 2, cycle_momentum: false),
        o => optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps: 10, cycle_momentum: false),
        o => optim.lr_scheduler.ReduceLROnPlateau(o, patience: 1),
    ];

    private static readonly Action<IEnumerable<Parameter>>[] s_clippings =
    [
        _ => { },
        p => nn.utils.clip_grad_norm_(p, 0.1),
        p => nn.utils.clip_grad_value_(p, 0.01),
    ];

    [Theory]
    [MemberData(nameof(Optimizers), DisableDiscoveryEnumeration = true)]
    public void A_pruned_weight_is_exactly_0_after_every_step_and_every_other_moves(string name, Func<IEnumerable<Parameter>, optim.Optimizer> build) =>
        Gen.Select(Gen.Int[0, s_schedulers.Length - 1], Gen.Int[0, s_clippings.Length - 1], Gen.Int[1, 6].Select(k => k / 8.0), Small.Seed).Sample(
            (schedule, clip, sparsity, seed) =>
            {
                using Sequential net = Small.Net([6, 5, 4], seed);
                GiveEverySizeBothSigns(net, seed);
                Mask mask = new Pruner(Saliency.Magnitude).Prune(net, sparsity);
                using optim.Optimizer optimizer = build(net.parameters());

                // Some steps before the weights go, so that momentum and moments hold something for them.
                Step(net, seed, () => optimizer.step());
                Step(net, seed, () => optimizer.step());
                using BoundMask pruned = mask.Bind(net);
                optim.lr_scheduler.LRScheduler? scheduler = s_schedulers[schedule](optimizer);
                float[] before = net.get_parameter("1.weight")!.data<float>().ToArray();
                bool[] moved = new bool[before.Length];
                for (int i = 0; i < 4; i++)
                {
                    Step(net, seed, () =>
                    {
                        pruned.ApplyToGradients();
                        s_clippings[clip](net.parameters());
                        pruned.Step(optimizer);
                        scheduler?.step(1.0, i + 1);
                    });
                    foreach ((string parameter, Tensor kept) in mask)
                    {
                        float[] weights = net.get_parameter(parameter)!.data<float>().ToArray();
                        Assert.All(weights.Zip(kept.data<bool>().ToArray()), w => Assert.True(w.Second || w.First == 0, $"{name}: {parameter} came back"));
                    }

                    float[] now = net.get_parameter("1.weight")!.data<float>().ToArray();
                    moved = [.. moved.Select((m, w) => m || now[w] != before[w])];
                }

                int[] left = [.. mask["1.weight"].data<bool>().ToArray().Select((kept, w) => (kept, w)).Where(p => p.kept).Select(p => p.w)];
                Assert.Contains(left, w => before[w] < 0);
                Assert.Contains(left, w => before[w] > 0);
                Assert.All(left, w => Assert.True(moved[w], $"{name}: a kept weight of {before[w]} is frozen"));
            },
            iter: 30);

    [Fact]
    public void Every_optimizer_of_TorchSharp_is_tested()
    {
        IEnumerable<string> all = typeof(optim).GetMethods().Where(m => m.IsStatic && m.ReturnType.IsSubclassOf(typeof(optim.Optimizer))).Select(m => m.Name);
        string[] tested = [.. Optimizers.Select(row => row.Data.Item1.Split(',')[0]), nameof(optim.LBFGS)];
        Assert.Subset(tested.ToHashSet(StringComparer.OrdinalIgnoreCase), all.ToHashSet(StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public void LBFGS_which_steps_several_times_at_once_keeps_zeros_through_masked_gradients()
    {
        using Sequential net = Small.Net([6, 5, 4], 4);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        using optim.Optimizer optimizer = optim.LBFGS(net.parameters(), 0.1);
        using BoundMask pruned = mask.Bind(net);
        float[] before = net.get_parameter("0.weight")!.data<float>().ToArray();
        optimizer.step(() =>
        {
            Tensor? loss = null;
            Step(net, 7, pruned.ApplyToGradients, l => loss = l.detach().clone().DetachFromDisposeScope());
            return loss!;
        });
        Assert.All(mask, m => Assert.All(net.get_parameter(m.Key)!.data<float>().ToArray().Zip(m.Value.data<bool>().ToArray()), w =>
            Assert.True(w.Second || w.First == 0)));
        Assert.NotEqual(before, net.get_parameter("0.weight")!.data<float>().ToArray());
    }

    [Fact]
    public void Masked_gradients_leave_pruned_weights_out_of_the_norm_that_clipping_sees()
    {
        using Sequential net = Small.Net([6, 5, 3], 4);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        using BoundMask pruned = mask.Bind(net);
        Step(net, 7, pruned.ApplyToGradients);
        Assert.All(mask, m => Assert.All(net.get_parameter(m.Key)!.grad!.data<float>().ToArray().Zip(m.Value.data<bool>().ToArray()),
            g => Assert.True(g.Second || g.First == 0)));
    }

    /// <summary>Weights in pairs of one size and two signs: ranking by size keeps both, ranking without the absolute value keeps one.</summary>
    private static void GiveEverySizeBothSigns(Sequential net, int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = RandomStream.Of(seed, "sizes");
        foreach ((string _, Parameter weight) in Prunable.Weights(net))
        {
            Tensor sizes = rand(weight.numel() / 2, generator: generator).add(0.1).repeat_interleave(2);
            weight.copy_(sizes.mul(tensor(new float[] { 1, -1 }).repeat(weight.numel() / 2)).reshape(weight.shape));
        }
    }

    private static void Step(Sequential net, int seed, Action step, Action<Tensor>? look = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(seed, "inputs");
        net.zero_grad();
        Tensor loss = nn.functional.cross_entropy(net.forward(rand(16, 6, generator: generator)), arange(16, ScalarType.Int64).remainder(3));
        loss.backward();
        look?.Invoke(loss);
        step();
    }
}
