using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class BlockFisherTests
{
    private const double Damping = 0.01;

    private static LabelledTensors Data()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "data");
        Tensor inputs = randn([25, 6], generator: generator).to(ScalarType.Float64);
        return new(inputs, inputs[.., ..3].argmax(1));
    }

    private static Sequential Net()
    {
        Sequential net = Sequential(("a", Linear(6, 5)), ("relu", ReLU()), ("b", Linear(5, 3)));
        net.to(ScalarType.Float64);
        return Initializer.HeNormal.Apply(net, 1);
    }

    /// <summary>F of one layer as a full matrix, the blocks cut out of it.</summary>
    private static Tensor Dense(Sequential net, LabelledTensors data, string name, long block)
    {
        Parameter weight = net.named_parameters().First(p => p.name == name).parameter;
        Tensor sum = eye(weight.numel(), dtype: ScalarType.Float64).mul(Damping);
        for (long i = 0; i < data.Count; i++)
        {
            net.zero_grad();
            functional.cross_entropy(net.forward(data.Inputs[i].unsqueeze(0)), data.Labels[i].unsqueeze(0)).backward();
            sum = sum.add(outer(weight.grad!.flatten(), weight.grad!.flatten()).div(data.Count));
        }

        Tensor at = arange(weight.numel()).div(block).floor();
        return sum.mul(at.unsqueeze(0).eq(at.unsqueeze(1)));
    }

    [Theory]
    [InlineData("a.weight", 30)]
    [InlineData("b.weight", 15)]
    [InlineData("a.weight", 7)]
    [InlineData("b.weight", 1)]
    public void The_inverse_is_that_of_the_full_matrix_and_the_kept_weights_move_to_its_minimum(string name, long block)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using Sequential net = Net();
        using BlockFisher fisher = BlockFisher.Of(net, data, Damping, block);
        Tensor dense = Dense(net, data, name, block);
        Parameter weight = net.named_parameters().First(p => p.name == name).parameter;
        Assert.True(fisher.InverseDiagonal(name, weight).flatten().sub(linalg.inv(dense).diagonal()).abs().div(100).max().item<double>() < 1e-6);

        Mask mask = new Pruner(fisher.Saliency).Prune(net, 0.6);
        Tensor before = weight.detach().flatten().clone(), kept = mask[name].flatten();
        fisher.Apply(net, mask);
        Tensor after = weight.detach().flatten();
        Assert.True(dense.matmul(after.sub(before)).masked_select(kept).abs().max().item<double>() < 1e-6);
        Assert.True(after.masked_select(kept.logical_not()).eq(0).all().item<bool>());
    }

    [Fact]
    public void With_blocks_of_one_weight_it_is_the_diagonal()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using Sequential net = Net();
        using BlockFisher fisher = BlockFisher.Of(net, data, 1e-9, 1);
        Pruner diagonal = new(Fisher.OfWeights(net, data)) { Scope = Scope.Global() };
        Assert.Equal(diagonal.Prune(net, 0.5), (diagonal with { Saliency = fisher.Saliency }).Prune(net, 0.5));
    }

    [Fact]
    public void What_is_wrong_is_said_in_one_line()
    {
        using LabelledTensors data = Data();
        using Sequential net = Net(), other = Sequential(("a", Linear(3, 5)), ("b", Linear(5, 3)));
        string Fault(Action act) => Assert.Throws<WorkbookException>(act).Message;
        Assert.Equal("the Fisher information of 25 examples is singular: it needs a damping above 0 (not 0) and blocks of 1 or more weights (not 5)",
            Fault(() => BlockFisher.Of(net, data, 0, 5)));
        Assert.Equal("there are no examples to take gradients on", Fault(() => BlockFisher.Of(net, data.Slice(0, 0))));
        Assert.Contains("take fewer examples", Fault(() => BlockFisher.Of(net, data, mostBytes: 1000)), StringComparison.Ordinal);
        using BlockFisher fisher = BlockFisher.Of(net, data);
        Assert.Equal("'a.weight' has 15 weights, its gradients were taken of 30: take them anew", Fault(() => new Pruner(fisher.Saliency).Prune(other, 0.5)));
        using (no_grad())
        {
            net.parameters().First().fill_(float.NaN);
        }

        Assert.Contains("hold NaN or infinity", Fault(() => BlockFisher.Of(net, data)), StringComparison.Ordinal);
    }
}
