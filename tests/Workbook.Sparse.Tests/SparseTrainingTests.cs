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
}
