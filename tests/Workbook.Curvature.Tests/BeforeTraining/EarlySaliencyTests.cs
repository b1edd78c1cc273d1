using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class EarlySaliencyTests
{
    private static LabelledTensors Batch(ScalarType dtype = ScalarType.Float32)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "batch");
        Tensor inputs = randn([40, 6], generator: generator).to(dtype);
        return new(inputs, inputs[.., ..3].argmax(1));
    }

    private static Sequential Net(int seed, params int[] widths)
    {
        List<(string, Module<Tensor, Tensor>)> layers = [];
        for (int i = 0; i + 1 < widths.Length; i++)
        {
            layers.Add(($"fc{i}", Linear(widths[i], widths[i + 1], hasBias: false)));
            layers.Add(($"relu{i}", ReLU()));
        }

        return Initializer.GlorotNormal.Apply(Sequential(layers.SkipLast(1)), seed);
    }

    private static Tensor ScoreOf(Saliency saliency, Module model, string layer) => saliency.Score($"{layer}.weight",
        model.named_parameters().First(p => p.name == $"{layer}.weight").parameter);

    [Fact]
    public void Snip_is_gradient_times_weight_and_leaves_no_trace()
    {
        using LabelledTensors batch = Batch();
        using Sequential net = Net(1, 6, 5, 3);
        string before = State.Of(net);
        Saliency snip = EarlySaliency.Snip(net, batch);
        Assert.True(net.parameters().All(p => p.grad is null));
        Assert.Equal(before, State.Of(net));
        Trainer.Backward(net, batch);
        Pruner pruner = new(Saliency.GradientTimesWeight) { Scope = Scope.Global() };
        Assert.Equal(pruner.Prune(net, 0.5), (pruner with { Saliency = snip }).Prune(net, 0.5));
    }

    [Fact]
    public void Grasp_says_by_how_much_the_gradients_squared_norm_falls_where_a_weight_shrinks()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors batch = Batch(ScalarType.Float64);
        using Sequential net = Net(3, 6, 5, 3);
        net.to(ScalarType.Float64);
        Tensor scores = ScoreOf(EarlySaliency.Grasp(net, batch, temperature: 1), net, "fc0");
        Parameter weight = net.named_parameters().First().parameter;
        double Norm()
        {
            double norm = GradientNorm.Of(net, batch).All;
            return norm * norm;
        }

        foreach ((int row, int column) in new[] { (0, 0), (2, 3), (4, 5) })
        {
            using IDisposable noGrad = no_grad();
            double old = weight[row, column].item<double>(), step = 1e-6;
            weight[row, column].fill_(old * (1 - step));
            double less = Norm();
            weight[row, column].fill_(old * (1 + step));
            double more = Norm();
            weight[row, column].fill_(old);
            Assert.Equal((more - less) / (4 * step), scores[row, column].item<double>(), 1e-6);
        }
    }

    [Fact]
    public void SynFlow_is_conserved_by_every_hidden_unit_and_every_layer_of_a_network_without_biases() =>
        Gen.Select(Gen.Int[1, 6].Array[3, 5], Small.Seed).Sample((widths, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Net(seed, widths);
            Saliency saliency = EarlySaliency.SynFlow(net, widths[0]);
            Tensor[] scores = [.. Enumerable.Range(0, widths.Length - 1).Select(i => ScoreOf(saliency, net, $"fc{i}"))];
            Assert.All(scores, layer => Assert.Equal(1, layer.sum().item<double>(), 1e-12));
            foreach ((Tensor into, Tensor from) in scores.Zip(scores.Skip(1)))
            {
                Assert.True(into.sum(1).sub(from.sum(0L)).abs().max().item<double>() < 1e-12);
            }
        });

    [Fact]
    public void One_weight_a_round_SynFlow_loses_no_layer_before_as_many_weights_are_left_as_there_are_layers() =>
        Gen.Select(Gen.Int[1, 5].Array[3, 5], Small.Seed).Sample((widths, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Net(seed, widths);
            long total = net.parameters().Sum(p => p.numel());
            int layers = widths.Length - 1;
            if (total == layers)
            {
                return;
            }

            double[] levels = [.. Enumerable.Range(1, (int)total - layers).Select(k => (double)k / total)];
            Mask mask = EarlySaliency.InRounds(net, levels, m => EarlySaliency.SynFlow(m, widths[0]));
            Assert.All(mask.Keys, name => Assert.Equal(1, mask.KeptOf(name)));
        }, iter: 30);

    [Fact]
    public void Rounds_leave_the_model_as_it_was_and_another_draw_is_put_back()
    {
        using LabelledTensors batch = Batch();
        using Sequential net = Net(1, 6, 5, 3);
        string before = State.Of(net);
        Mask mask = EarlySaliency.InRounds(net, Schedule.Iterative(0.8, 10), m => EarlySaliency.SynFlow(m, 6));
        Pruner own = new(EarlySaliency.Snip(net, batch)), other = new(EarlySaliency.OfAnotherDraw(net, Initializer.GlorotNormal, 9,
            m => EarlySaliency.Snip(m, batch)));
        Assert.Equal(before, State.Of(net));
        Assert.Equal(9, mask.Kept);
        Assert.NotEqual(own.Prune(net, 0.5), other.Prune(net, 0.5));
        using Sequential drawn = Net(9, 6, 5, 3);
        Assert.Equal(new Pruner(EarlySaliency.Snip(drawn, batch)).Prune(drawn, 0.5), other.Prune(net, 0.5));
    }

    [Fact]
    public void Shuffled_within_columns_every_input_keeps_as_many_weights() =>
        Gen.Select(Small.Widths, Small.Seed, Small.Sparsity).Sample((widths, seed, sparsity) =>
        {
            using DisposeScope scope = NewDisposeScope();
            using Sequential net = Small.Net(widths, seed);
            Mask mask = new Pruner(Saliency.Random(seed)) { Scope = Scope.Global() }.Prune(net, sparsity), shuffled = mask.ShuffledWithinColumns(seed);
            Assert.All(mask.Keys, name => Assert.True(mask[name].sum(0L).eq(shuffled[name].sum(0L)).all().item<bool>()));
        });

    [Fact]
    public void What_is_missing_is_said_in_one_line()
    {
        using Sequential net = Net(1, 6, 5, 3);
        Tensor inputs = ones(4, 6);
        string Fault(Tensor labels) => Assert.Throws<WorkbookException>(() => EarlySaliency.Snip(net, new(inputs.clone(), labels))).Message;
        Assert.Equal("SNIP needs a label for each example: 3 is none of the model's classes, 0 to 2", Fault(tensor(new long[] { 0, 1, 2, 3 })));
        Assert.Equal("SNIP needs a label for each example: -1 is none of the model's classes, 0 to 2", Fault(tensor(new long[] { 0, -1, 2, 2 })));
        Assert.Equal("SNIP needs a label for each example, a class from 0 to 2 as Int64 [4], not Float32 [4]", Fault(zeros(4)));
        Assert.Contains("no examples", Assert.Throws<WorkbookException>(() => EarlySaliency.Grasp(net, Batch().Slice(0, 0))).Message, StringComparison.Ordinal);
        Assert.Contains("temperature above 0", Assert.Throws<WorkbookException>(() => EarlySaliency.Grasp(net, Batch(), 0)).Message, StringComparison.Ordinal);
        Assert.Contains("at least 1 round", Assert.Throws<WorkbookException>(() => EarlySaliency.InRounds(net, [], m => Saliency.Magnitude)).Message,
            StringComparison.Ordinal);
        using (no_grad())
        {
            net.parameters().First().fill_(float.NaN);
        }

        Assert.Contains("flow through the network is NaN", Assert.Throws<WorkbookException>(() => EarlySaliency.SynFlow(net, 6)).Message,
            StringComparison.Ordinal);
        Assert.Contains("have diverged", Assert.Throws<WorkbookException>(() => new Pruner(EarlySaliency.Snip(net, Batch())).Prune(net, 0.5)).Message,
            StringComparison.Ordinal);
    }
}
