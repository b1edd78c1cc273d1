using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Small convolutional networks that are trained in one step without autograd: they become what they become with it.</summary>
public sealed class ConvChainTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>Convolutions with norms, some pooled, some with biases, of odd and even sizes.</summary>
    private sealed class Stack : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> layers;

        internal Stack(int seed, int side, (int Channels, bool Pools, bool Bias, int Kernel)[] blocks, nn.Module<Tensor, Tensor>? between = null)
            : base(nameof(Stack))
        {
            List<(string, nn.Module<Tensor, Tensor>)> all = [];
            int channels = 2;
            foreach ((int i, (int width, bool pools, bool bias, int kernel)) in blocks.Index())
            {
                all.Add(($"conv{i}", nn.Conv2d(channels, width, kernel, padding: kernel / 2, bias: bias)));
                all.Add(($"bn{i}", nn.BatchNorm2d(width)));
                all.Add(($"relu{i}", nn.ReLU()));
                if (pools && side > 1)
                {
                    all.Add(($"pool{i}", nn.MaxPool2d(2)));
                    side /= 2;
                }

                (channels, between) = (width, between is null ? null : Between(all, between));
            }

            all.AddRange([("flatten", nn.Flatten()), ("fc1", nn.Linear(channels * side * side, 12)), ("relu", nn.ReLU()), ("fc2", nn.Linear(12, 10))]);
            layers = nn.Sequential(all);
            RegisterComponents();
            Initializer.HeNormal.Apply(this, seed);
            using IDisposable noGrad = no_grad();
            foreach ((string name, Tensor weight) in this.named_parameters().Where(p => p.name.Contains("bn", StringComparison.Ordinal)))
            {
                weight.copy_(Layers.Random(seed, name, weight.shape)); // factors of both signs
            }
        }

        private static nn.Module<Tensor, Tensor>? Between(List<(string, nn.Module<Tensor, Tensor>)> all, nn.Module<Tensor, Tensor> layer)
        {
            all.Add(("between", layer));
            return null;
        }

        public override Tensor forward(Tensor input) => layers.call(input);
    }

    private static LabelledTensors Examples(int count, int side) => new(Layers.Random(1, "images", count, 2, side, side),
        Layers.Random(1, "labels", count).abs().mul(1e4).to(ScalarType.Int64).remainder(10));

    /// <summary>How far weights and statistics are apart after a training with and without the step, over the largest of them; and whether it was
    /// taken.</summary>
    private static (double Difference, bool Taken) Apart(Func<nn.Module<Tensor, Tensor>> make, LabelledTensors data, Recipe recipe, Mask? mask)
    {
        (nn.Module<Tensor, Tensor> plain, nn.Module<Tensor, Tensor> fast) = (make(), make());
        Taken taken = new();
        Trainer.Train(plain, data, recipe, 1, mask, [new SparseTraining(2)]);
        Trainer.Train(fast, data, recipe, 1, mask, [new SparseTraining(), taken]);
        Dictionary<string, Tensor> expected = plain.state_dict();
        // A bias in front of a norm gets rounding only: small against this.
        return (fast.state_dict().Max(s => (s.Value - expected[s.Key]).abs().max().to(ScalarType.Float64).item<double>()
            / Math.Max(0.05, expected[s.Key].abs().max().to(ScalarType.Float64).item<double>())), taken.Is);
    }

    private sealed record Taken : TrainingPart, IOnlooker
    {
        internal bool Is { get; private set; }

        public override string Name => "taken";

        public override string Describe() => "";

        public override void AfterStep(TrainingProgress training) => Is |= training.Backward?.Target is ConvChain;
    }

    [Fact]
    public void It_trains_as_torch_does_whatever_the_widths_sizes_pools_and_biases() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[2, 11], Gen.Select(Gen.Int[1, 9], Gen.Bool, Gen.Bool, Gen.Bool.Select(wide => wide ? 3 : 1)).Array[1, 3],
            Gen.Int[1, 4].Select(n => 8 * n), Gen.Int[0, 2]).Sample((seed, side, blocks, batch, pruned) =>
        {
            using DisposeScope scope = NewDisposeScope();
            nn.Module<Tensor, Tensor> Make() => new Stack(seed, side, blocks);
            // Two whole batches and a rest, with momentum and decay.
            Recipe recipe = new() { BatchSize = batch, Epochs = 1, LearningRate = 0.01, WeightDecay = 1e-3 };
            Mask? mask = pruned == 0 ? null : new Pruner(Saliency.Random(seed)).Prune(Make(), pruned == 1 ? 0.5 : 0.9);
            (double difference, bool taken) = Apart(Make, Examples((2 * batch) + 5, side), recipe, mask);
            Assert.True(taken);
            Assert.InRange(difference, 0, 2e-3);
        }, iter: 60);

    [Fact]
    public void A_ConvNet_trains_so_by_itself_with_and_without_a_mask()
    {
        LabelledTensors data = new(Layers.Random(1, "images", 70, 1, 28, 28), Examples(70, 2).Labels);
        Recipe recipe = new() { BatchSize = 32, Epochs = 2, LearningRate = 0.02 };
        foreach (Mask? mask in new[] { null, new Pruner(Saliency.Magnitude).Prune(new ConvNet(1, 8, 16, 32), 0.9) })
        {
            (double difference, bool taken) = Apart(() => new ConvNet(1, 8, 16, 32), data, recipe, mask);
            Assert.True(taken);
            Assert.InRange(difference, 0, 2e-3);
        }
    }

    [Fact]
    public void What_does_something_more_is_trained_by_autograd()
    {
        (int, bool, bool, int)[] blocks = [(4, true, false, 3), (6, false, true, 3)];
        Recipe recipe = new() { BatchSize = 16, Epochs = 1, LearningRate = 0.01 };
        foreach (nn.Module<Tensor, Tensor> more in new nn.Module<Tensor, Tensor>[] { nn.Dropout(0.5), nn.Tanh(), nn.AvgPool2d(1), nn.Identity() })
        {
            Assert.Equal((more.GetName(), more is TorchSharp.Modules.Identity),
                (more.GetName(), Apart(() => new Stack(1, 8, blocks, more), Examples(32, 8), recipe, null).Taken));
        }
    }

    [Fact]
    public void Hooks_on_a_layer_are_called_as_ever()
    {
        int calls = 0;
        nn.Module<Tensor, Tensor> Make()
        {
            Stack stack = new(1, 8, [(4, true, false, 3)]);
            stack.modules().OfType<TorchSharp.Modules.BatchNorm2d>().Single().register_forward_hook((_, _, output) =>
            {
                calls++;
                return output;
            });
            return stack;
        }

        Assert.False(Apart(Make, Examples(32, 8), new() { BatchSize = 16, Epochs = 1, LearningRate = 0.01 }, null).Taken);
        Assert.Equal(2 * 2, calls); // both trainings' steps
    }

    [Fact]
    public void Infinite_inputs_end_a_training_as_torch_does()
    {
        LabelledTensors data = Examples(16, 8);
        data.Inputs[3, 0, 2, 2] = 3e38f;
        Recipe recipe = new() { BatchSize = 16, Epochs = 1, LearningRate = 0.01 };
        string Fault(TrainingPart part) => Assert.Throws<WorkbookException>(() =>
            Trainer.Train(new Stack(1, 8, [(4, true, false, 3)]), data, recipe, 1, null, [part])).Message;
        Assert.Equal(Fault(new SparseTraining(2)), Fault(new SparseTraining()));
    }
}
