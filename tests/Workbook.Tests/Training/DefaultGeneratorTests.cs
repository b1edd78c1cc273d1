using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Alone: torch's default generator is one for all threads.</summary>
[CollectionDefinition(nameof(DefaultGeneratorTests), DisableParallelization = true)]
[Collection(nameof(DefaultGeneratorTests))]
public sealed class DefaultGeneratorTests
{
    [Fact]
    public void Trying_a_batch_of_one_behind_a_norm_draws_nothing()
    {
        // Two steps with dropout, the last on one example, which the norm takes: it sees four values a channel.
        float[] DrawnAfter(nn.Module<Tensor, Tensor> norm)
        {
            using Sequential net = nn.Sequential(("view", nn.Unflatten(1, [8, 4])), ("norm", norm), ("flat", nn.Flatten()), ("drop", nn.Dropout(0.5)),
                ("f", nn.Linear(32, 3)));
            using LabelledTensors data = new(ones(9, 32), zeros(9, ScalarType.Int64));
            manual_seed(1);
            Trainer.Train(net, data, new Recipe { Epochs = 1, BatchSize = 8, LearningRate = 0.01 }, 1);
            return rand(4).data<float>().ToArray();
        }

        Assert.Equal(DrawnAfter(nn.Identity()), DrawnAfter(nn.BatchNorm1d(8)));
    }
}
