using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static Workbook.Sparse;

namespace Workbook.Tests;

public sealed class SparseTrainingTests
{
    private static readonly Recipe s_recipe = new() { Epochs = 5, BatchSize = 20, LearningRate = 0.05 };

    private static LabelledTensors Data()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor images = Layers.Random(1, "images", 400, 784).abs();
        return new LabelledTensors(images.DetachFromDisposeScope(), (arange(400, ScalarType.Int64) % 10).DetachFromDisposeScope());
    }

    private static float[] Trained(int seed, bool sparse)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using LeNet300100 net = new(seed);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        if (sparse)
        {
            Convert(net, mask, fromSparsity: 0);
            Trainer.Train(net, data, s_recipe, seed);
            Assert.Equal(mask, ToDense(net));
        }
        else
        {
            Trainer.Train(net, data, s_recipe, seed, mask);
        }

        return [.. net.named_parameters().OrderBy(p => p.name).SelectMany(p => p.parameter.data<float>().ToArray())];
    }

    [Fact]
    public void A_hundred_steps_are_those_of_the_masked_dense_network()
    {
        float[] dense = Trained(1, sparse: false), sparse = Trained(1, sparse: true),
            before = [.. new LeNet300100(1).named_parameters().OrderBy(p => p.name).SelectMany(p => p.parameter.data<float>().ToArray())];
        Assert.Equal(dense.Length, sparse.Length);
        Assert.InRange(dense.Zip(sparse, (d, s) => Math.Abs(d - s)).Max(), 0, 1e-5);
        Assert.True(dense.Zip(before, (d, b) => d == 0 ? 0 : Math.Abs(d - b)).Max() > 0.01, "the training has to move the weights");
    }

    [Fact]
    public void Trainings_side_by_side_equal_those_in_turn_to_the_bit()
    {
        float[][] sideBySide = Replicas.Run([1, 2, 3, 4], seed => Trained(seed, sparse: true), threads: 4);
        Assert.Equal(Replicas.Run([1, 2, 3, 4], seed => Trained(seed, sparse: true), threads: 1), sideBySide);
    }

    [Fact]
    public void Any_optimizer_trains_the_kept_weights()
    {
        using DisposeScope scope = NewDisposeScope();
        Workbook.SparseLinear layer = Layers.New(20, 5, 0.8, 1).Sparse;
        Tensor input = Layers.Random(1, "input", 50, 20), target = Layers.Random(1, "target", 50, 5);
        foreach (optim.Optimizer optimizer in new optim.Optimizer[] { optim.Adam(layer.parameters(), 0.01), optim.AdamW(layer.parameters(), 0.01),
            optim.RMSProp(layer.parameters(), 0.01) })
        {
            Tensor Loss()
            {
                optimizer.zero_grad();
                Tensor loss = nn.functional.mse_loss(layer.forward(input), target);
                loss.backward();
                return loss;
            }

            float first = Loss().item<float>();
            for (int i = 0; i < 5; i++)
            {
                optimizer.step(Loss);
            }

            Assert.True(Loss().item<float>() < first, optimizer.GetType().Name);
        }
    }

    [Theory]
    [InlineData(20)]
    [InlineData(33)]
    public void A_network_of_linear_layers_is_trained_as_one_step_and_as_the_masked_dense_network(int batch)
    {
        using LabelledTensors data = Data();
        Recipe recipe = s_recipe with { BatchSize = batch, WeightDecay = 1e-3 };
        using LeNet300100 dense = new(1), sparse = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(dense, 0.9);
        Trainer.Train(dense, data, recipe, 1, mask);
        Onlooker onlooker = new();
        Trainer.Train(sparse, data, recipe, 1, mask, new SparseTraining(), onlooker);
        Assert.True(onlooker.IsOneStep);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in dense.named_parameters())
        {
            Assert.InRange((parameter - sparse.get_parameter(name)!).abs().max().item<float>(), 0, 2e-5);
        }
    }

    public static TheoryData<string, Func<nn.Module<Tensor, Tensor>>> Others => new()
    {
        { "another activation", () => nn.Sequential(("a", nn.Linear(784, 30)), ("b", nn.Tanh()), ("c", nn.Linear(30, 10))) },
        { "dropout", () => nn.Sequential(("a", nn.Linear(784, 30)), ("b", nn.ReLU()), ("d", nn.Dropout(0.5)), ("c", nn.Linear(30, 10))) },
        { "a norm", () => nn.Sequential(("a", nn.Linear(784, 30)), ("n", nn.BatchNorm1d(30)), ("b", nn.ReLU()), ("c", nn.Linear(30, 10))) },
        { "no activation", () => nn.Sequential(("a", nn.Linear(784, 30)), ("c", nn.Linear(30, 10))) },
        { "another order", () => new Swapped() },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void What_is_more_than_linear_layers_is_trained_layer_by_layer(string kind, Func<nn.Module<Tensor, Tensor>> make)
    {
        Assert.NotEmpty(kind);
        using LabelledTensors data = Data();
        using nn.Module<Tensor, Tensor> network = make();
        Onlooker onlooker = new();
        Trainer.Train(network, data, s_recipe with { Epochs = 1 }, 1, new Pruner(Saliency.Magnitude).Prune(network, 0.9), new SparseTraining(), onlooker);
        Assert.True(onlooker.IsSparse);
        Assert.False(onlooker.IsOneStep);
    }

    [Fact]
    public void Layers_that_share_a_weight_are_trained_dense()
    {
        using LabelledTensors data = Data();
        using Tied network = new();
        Onlooker onlooker = new();
        Mask mask = new(new Pruner(Saliency.Magnitude).Prune(network, 0.9).Where(m => m.Key == "first.weight"));
        Trainer.Train(network, data, s_recipe with { Epochs = 1 }, 1, mask, new SparseTraining(), onlooker);
        Assert.False(onlooker.IsSparse);
        Assert.Equal(network.Weights[0].data<float>().ToArray(), network.Weights[1].data<float>().ToArray());
    }

    [Fact]
    public void Labels_that_are_no_classes_are_refused_in_torchs_words()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = new(Layers.Random(1, "images", 40, 784), full([40], 10, ScalarType.Int64));
        using LeNet300100 network = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.9);
        Exception dense = Assert.ThrowsAny<Exception>(() => Trainer.Train(new LeNet300100(1), data, s_recipe, 1, mask)),
            sparse = Assert.ThrowsAny<Exception>(() => Trainer.Train(network, data, s_recipe, 1, mask, new SparseTraining()));
        Assert.Equal(dense.Message.Split('\n')[0], sparse.Message.Split('\n')[0]);
    }

    private sealed record Onlooker : TrainingPart, IOnlooker
    {
        internal bool IsOneStep { get; private set; }

        internal bool IsSparse { get; private set; }

        public override string Name => "onlooker";

        public override string Describe() => "";

        public override void AfterStep(TrainingProgress training) =>
            (IsOneStep, IsSparse) = (training.Backward is not null, training.Model.modules().Any(m => m is SparseLayer));
    }

    /// <summary>Runs its layers in another order than it names them.</summary>
    private sealed class Swapped : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> second = nn.Linear(784, 784), first = nn.Linear(784, 784), last = nn.Linear(784, 10);

        internal Swapped()
            : base(nameof(Swapped)) => RegisterComponents();

        public override Tensor forward(Tensor input) => last.call(second.call(first.call(input).relu()).relu());
    }

    private sealed class Tied : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first, last = nn.Linear(784, 10);
        private readonly TorchSharp.Modules.Linear _second = nn.Linear(784, 784);

        internal Tied()
            : base(nameof(Tied))
        {
            first = nn.Linear(_second.weight, null);
            RegisterComponents();
        }

        internal Tensor[] Weights => [((TorchSharp.Modules.Linear)first).weight, _second.weight];

        public override Tensor forward(Tensor input) => last.call(_second.call(first.call(input).relu()).relu());
    }
}
