using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Our recipes' steps are TorchSharp's to the bit, and hold their numbers while libtorch reads them.</summary>
public class SafeStepsTests
{
    public static readonly TheoryData<string, Recipe, Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer>> Recipes = new()
    {
        { "SGD", new() { LearningRate = 0.1 }, p => optim.SGD(p, 0.1, 0.9) },
        { "SGD without momentum", new() { LearningRate = 0.1, Momentum = 0 }, p => optim.SGD(p, 0.1) },
        { "SGD with decay", new() { LearningRate = 0.1, WeightDecay = 0.01 }, p => optim.SGD(p, 0.1, 0.9, weight_decay: 0.01) },
        { "Adam", new() { Optimizer = OptimizerKind.Adam, LearningRate = 0.01 }, p => optim.Adam(p, 0.01) },
        { "Adam with decay", new() { Optimizer = OptimizerKind.Adam, LearningRate = 0.01, WeightDecay = 0.01 }, p => optim.Adam(p, 0.01, weight_decay: 0.01) },
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Steps_are_those_of_TorchSharp(string name, Recipe recipe, Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer> theirs)
    {
        Assert.NotEmpty(name);
        using DisposeScope scope = NewDisposeScope();
        LeNet300100 ours = new(1), reference = new(1);
        Tensor inputs = randn([32, 1, 28, 28], generator: RandomStream.Of(1, "inputs")), labels = arange(32).remainder(10);
        optim.Optimizer[] optimizers = [recipe.Build(ours.parameters(), []), theirs(reference.parameters())];
        foreach ((LeNet300100 model, optim.Optimizer optimizer) in new[] { ours, reference }.Zip(optimizers))
        {
            for (int step = 0; step < 12; step++)
            {
                model.zero_grad();
                nn.functional.cross_entropy(model.forward(inputs), labels).backward();
                optimizer.step();
            }
        }

        Assert.All(ours.parameters().Zip(reference.parameters()), p => Assert.True(p.First.Equals(p.Second)));
        Assert.True(!ours.parameters().First().Equals(new LeNet300100(1).parameters().First()));
    }
}
