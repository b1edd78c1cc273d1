using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class TrainerTests : IDisposable
{
    /// <summary>Ten classes, each a bright row of its own: learnable in an epoch or two.</summary>
    private readonly LabelledTensors _data = Rows(500);

    private static LabelledTensors Rows(int count)
    {
        byte[] pixels = new byte[count * 784], labels = new byte[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = (byte)(i % 10);
            Array.Fill<byte>(pixels, 255, (i * 784) + (28 * (2 * labels[i] + 4)) + (i % 20), 8);
        }

        return LabelledTensors.FromImages(new LabelledImages(pixels, labels, 28, 28));
    }

    public void Dispose() => _data.Dispose();

    [Fact]
    public void Training_learns_and_a_seed_repeats_bit_for_bit()
    {
        using LeNet300100 one = new(1), two = new(1), other = new(2);
        double before = Trainer.Evaluate(one, _data).Accuracy;
        Assert.All([one, two, other], net => Trainer.Train(net, _data, new Recipe { Epochs = 5, LearningRate = 0.02 }, seed: 1));
        Assert.True(before < 0.5 && Trainer.Evaluate(one, _data).Accuracy > 0.99);
        Assert.Equal(one.parameters().SelectMany(p => p.data<float>().ToArray()), two.parameters().SelectMany(p => p.data<float>().ToArray()));
        Assert.NotEqual(one.get_parameter("fc1.weight")!.data<float>().ToArray(), other.get_parameter("fc1.weight")!.data<float>().ToArray());
    }

    [Fact]
    public void Training_with_a_mask_keeps_it()
    {
        using LeNet300100 net = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        Trainer.Train(net, _data, new Recipe { Epochs = 2, LearningRate = 0.02, WeightDecay = 1e-3 }, seed: 1, mask);
        Assert.All(mask, m => Assert.Equal(0, net.get_parameter(m.Key)!.masked_select(m.Value.logical_not()).count_nonzero().item<long>()));
    }

    [Fact]
    public void The_steps_are_those_of_the_recipe_and_the_rate_falls_along_a_cosine()
    {
        using LeNet300100 net = new(1);
        List<long> steps = [];
        Recipe recipe = new() { Epochs = 1.5, BatchSize = 128, LearningRate = 0.01 };
        Trainer.Train(net, _data, recipe, seed: 1, afterStep: (step, loss) => steps.Add(step));
        Assert.Equal(Enumerable.Range(1, 6).Select(i => (long)i), steps); // 500 examples are 4 batches
        Assert.Equal([0.01, 0.005, 0], new long[] { 0, 50, 100 }.Select(step => Math.Round(recipe.RateAt(step, 100), 12)));
    }

    [Fact]
    public void A_score_is_the_mean_over_all_examples_whatever_the_batch()
    {
        using LeNet300100 net = new(1);
        Score whole = Trainer.Evaluate(net, _data, 500), parts = Trainer.Evaluate(net, _data, 64);
        Assert.Equal(whole.Accuracy, parts.Accuracy);
        Assert.Equal(whole.Loss, parts.Loss, 1e-5);
    }

    [Fact]
    public void A_thousand_steps_leave_no_tensors_behind()
    {
        using LeNet300100 net = new(1);
        Recipe recipe = new() { Epochs = 2, BatchSize = 32, LearningRate = 0.01 };
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        Trainer.Train(net, _data, recipe, 1, mask);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Trainer.Train(net, _data, recipe with { Epochs = 63 }, 1, mask);
        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - before, -50, 50);
    }

    public static TheoryData<string, Recipe> BadRecipes => new()
    {
        { "Epochs is 0 or more, not -1", new() { Epochs = -1 } },
        { "BatchSize is 1 or more, not 0", new() { BatchSize = 0 } },
        { "LearningRate is above 0, not NaN", new() { LearningRate = double.NaN } },
        { "Momentum is from 0 to below 1, not 1", new() { Momentum = 1 } },
        { "diverged", new() { LearningRate = 1e20, Epochs = 2 } },
    };

    [Theory]
    [MemberData(nameof(BadRecipes), DisableDiscoveryEnumeration = true)]
    public void A_recipe_that_cannot_work_is_said(string says, Recipe recipe)
    {
        using LeNet300100 net = new(1);
        Assert.Contains(says, Assert.Throws<WorkbookException>(() => Trainer.Train(net, _data, recipe, 1)).Message);
    }

    [Fact]
    public void Data_that_cannot_be_is_said()
    {
        using LeNet300100 net = new(1);
        Assert.Contains("training set is empty", Assert.Throws<WorkbookException>(() => Trainer.Train(net, _data.Slice(0, 0), new Recipe(), 1)).Message);
        Assert.Contains("there are 500", Assert.Throws<WorkbookException>(() => _data.Slice(400, 200)).Message);
        Assert.Contains("2 inputs but 3 labels", Assert.Throws<WorkbookException>(() => new LabelledTensors(zeros(2, 1), zeros(3, ScalarType.Int64))).Message);
    }
}
