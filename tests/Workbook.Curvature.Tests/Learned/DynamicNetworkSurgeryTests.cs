using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class DynamicNetworkSurgeryTests
{
    private static readonly Recipe s_still = new() { BatchSize = 4, Epochs = 1, LearningRate = 1e-9, Cosine = false };

    /// <summary>Twelve inputs, of which the first three say the class.</summary>
    private static LabelledTensors Data(int examples = 512)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "data");
        Tensor inputs = randn([examples, 12], generator: generator);
        return new(inputs, inputs[.., ..3].argmax(1));
    }

    /// <summary>One layer, whose weights from the first three inputs are of one size and the others of another.</summary>
    private static Sequential Net(double telling, double others)
    {
        Sequential net = Sequential(("a", Linear(12, 3, hasBias: false)));
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(2, "signs");
        Tensor signs = rand([3, 12], generator: generator).sub(0.5).sign();
        net.parameters().First().copy_(signs.mul(cat([full([3, 3], telling), full([3, 9], others)], 1)));
        return net;
    }

    [Fact]
    public void A_weight_goes_below_one_threshold_comes_back_above_the_other_and_stays_what_it_is_between_them() =>
        Gen.Double[0.1, 2].Array[2, 12].Array[3].Sample(sizes =>
        {
            int steps = sizes.Min(s => s.Length);
            using DisposeScope scope = NewDisposeScope();
            using LabelledTensors data = Data(4 * steps);
            using Sequential net = Net(1, 1); // the threshold is 1: sizes that do not deviate
            Mask mask = Trainer.Train(net, data, s_still, 1, null, new Sizes([.. sizes.Select(s => s[..steps])]),
                new DynamicNetworkSurgery(3) { Slowing = 0 }).LoadMask()!;
            for (int i = 0; i < 3; i++)
            {
                // What it has after the last step is never looked at: the network is given back as it was trained.
                bool left = sizes[i][..(steps - 1)].Aggregate(true, (was, size) => size > 1.1f || (was && size > 0.9f));
                Assert.Equal(left, mask["a.weight"][0, i].item<bool>());
            }
        }, iter: 20);

    [Fact]
    public void A_weight_that_was_taken_and_is_needed_is_spliced_in_again_where_a_mask_that_stays_never_learns()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        Recipe recipe = new() { Optimizer = OptimizerKind.Adam, Epochs = 30, BatchSize = 32, LearningRate = 0.01 };
        using Sequential fixedMask = Net(0.01, 0.3), surgery = Net(0.01, 0.3);
        Mask large = new Pruner(Saliency.Magnitude).Prune(fixedMask, 0.25, null);
        Assert.Equal(0, large["a.weight"][.., ..3].count_nonzero().item<long>());
        Trainer.Train(fixedMask, data, recipe, 1, large);
        Mask left = Trainer.Train(surgery, data, recipe, 1, null, new DynamicNetworkSurgery(0)).LoadMask()!;
        Assert.True(left["a.weight"][.., ..3].diagonal().all().item<bool>(), $"{left}");
        Assert.True(left.Sparsity > 0.3, $"{left}");
        (double with, double without) = (Trainer.Evaluate(surgery, data).Accuracy, Trainer.Evaluate(fixedMask, data).Accuracy);
        Assert.True(with > 0.9 && without < 0.6, $"{with} {without}");

        // An ordinary mask: applied, it changes nothing, and pruned weights that are filled with anything come to nothing.
        Tensor weight = surgery.parameters().First();
        Tensor before = weight.clone();
        using (no_grad())
        {
            weight.masked_fill_(left["a.weight"].logical_not(), 7);
            left.Apply(surgery);
        }

        Assert.True(weight.eq(before).all().item<bool>());
    }

    [Fact]
    public void After_its_last_step_the_mask_stays_and_what_was_pruned_before_never_comes_back()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        Recipe recipe = new() { Optimizer = OptimizerKind.Adam, Epochs = 10, BatchSize = 32, LearningRate = 0.05 };
        using Sequential early = Net(0.01, 0.3), given = Net(0.01, 0.3);
        Mask large = new Pruner(Saliency.Magnitude).Prune(early, 0.25, null);
        Mask first = Trainer.Train(early, data, recipe, 1, null, new DynamicNetworkSurgery(0) { LastStep = 0 }).LoadMask()!;
        Assert.Equal(large, first);
        Mask within = Trainer.Train(given, data, recipe, 1, large, new DynamicNetworkSurgery(-1)).LoadMask()!;
        Assert.Equal(within, within.Intersect(large));
    }

    [Fact]
    public void What_cannot_be_operated_on_is_said_in_one_line()
    {
        using LabelledTensors data = Data(8);
        using Sequential net = Net(1, 1);
        Assert.Equal("dynamic network surgery takes a finite number of deviations, and a slowing and a power from 0 on, not Deviations = 1, Slowing = -1, "
            + "Power = 1",
            Assert.Throws<WorkbookException>(() => Trainer.Train(net, data, s_still, 1, null, new DynamicNetworkSurgery(1) { Slowing = -1 })).Message);
    }

    /// <summary>Gives three weights of the first row a size after each step.</summary>
    private sealed record Sizes(double[][] Of) : TrainingPart
    {
        public override string Name => "sizes";

        public override string Describe() => "given";

        public override void AfterStep(TrainingProgress training)
        {
            using IDisposable noGrad = no_grad();
            for (int i = 0; i < Of.Length; i++)
            {
                training.Model.parameters().First()[0, i].fill_((float)Of[i][training.Step - 1]);
            }
        }
    }
}
