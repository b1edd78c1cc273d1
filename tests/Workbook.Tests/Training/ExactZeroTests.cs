using TorchSharp;
using TorchSharp.Modules;
using Workbook.Pruning;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests.Training;

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

    [Theory]
    [MemberData(nameof(Optimizers), DisableDiscoveryEnumeration = true)]
    public void A_pruned_weight_is_exactly_0_after_every_step_and_the_others_move(string name, Func<IEnumerable<Parameter>, optim.Optimizer> build)
    {
        using Sequential net = Small.Net([6, 5, 3], 4);
        using optim.Optimizer optimizer = build(net.parameters());

        // Some steps before pruning, so that momentum and moments hold something for the weights that then go.
        Step(net, () => optimizer.step());
        Step(net, () => optimizer.step());
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        using BoundMask pruned = mask.Bind(net);
        float[] before = net.get_parameter("0.weight")!.data<float>().ToArray();
        for (int i = 0; i < 5; i++)
        {
            Step(net, () => pruned.Step(optimizer));
            foreach ((string parameter, Tensor kept) in mask)
            {
                float[] weights = net.get_parameter(parameter)!.data<float>().ToArray();
                Assert.All(weights.Zip(kept.data<bool>().ToArray()), w => Assert.True(w.Second || w.First == 0, $"{name}: {parameter} came back"));
            }
        }

        float[] after = net.get_parameter("0.weight")!.data<float>().ToArray();
        bool[] left = mask["0.weight"].data<bool>().ToArray();
        Assert.Contains(Enumerable.Range(0, after.Length), i => left[i] && after[i] != before[i]);
    }

    [Fact]
    public void Masked_gradients_leave_pruned_weights_out_of_the_norm_that_clipping_sees()
    {
        using Sequential net = Small.Net([6, 5, 3], 4);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        using BoundMask pruned = mask.Bind(net);
        Step(net, pruned.ApplyToGradients);
        Assert.All(mask, m => Assert.All(net.get_parameter(m.Key)!.grad!.data<float>().ToArray().Zip(m.Value.data<bool>().ToArray()),
            g => Assert.True(g.Second || g.First == 0)));
    }

    private static void Step(Sequential net, Action step)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(7);
        net.zero_grad();
        nn.functional.cross_entropy(net.forward(rand(16, 6, generator: generator)), arange(16, ScalarType.Int64).remainder(3)).backward();
        step();
    }
}
