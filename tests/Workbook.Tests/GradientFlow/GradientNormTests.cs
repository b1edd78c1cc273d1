using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class GradientNormTests : IDisposable
{
    private readonly LabelledTensors _batch;

    public GradientNormTests()
    {
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "data");
        _batch = new(randn([40, 6], generator: generator), randint(0, 3, [40], generator: generator));
    }

    public void Dispose() => _batch.Dispose();

    /// <summary>Softmax regression: the gradient by W is (p − y)ᵀx / n, by b the mean of p − y.</summary>
    [Fact]
    public void It_is_the_norm_that_a_hand_computes_without_the_pruned_entries()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Initializer.HeNormal.Apply(nn.Sequential(("out", nn.Linear(6, 3))), 1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        mask.Apply(net);
        Tensor error, byWeight, byBias;
        using (no_grad())
        {
            error = net.forward(_batch.Inputs).softmax(1).sub(nn.functional.one_hot(_batch.Labels, 3));
            byWeight = error.t().mm(_batch.Inputs).div(40);
            byBias = error.mean([0L]);
        }

        double weight = byWeight.square().sum().item<float>(), left = byWeight.mul(mask["out.weight"]).square().sum().item<float>(), bias = byBias.square()
            .sum().item<float>();
        GradientNorm dense = GradientNorm.Of(net, _batch), sparse = GradientNorm.Of(net, _batch, mask);
        Assert.Equal(Math.Sqrt(weight + bias), dense.All, 1e-5);
        Assert.Equal(Math.Sqrt(left + bias), sparse.All, 1e-5);
        Assert.Equal(["out"], sparse.Layers.Keys);
        Assert.True(left < 0.9 * weight);
    }

    [Fact]
    public void The_layers_make_up_the_whole()
    {
        using Sequential net = Net();
        GradientNorm norm = GradientNorm.Of(net, _batch, new Pruner(Saliency.Magnitude).Prune(net, 0.5));
        Assert.Equal(["0", "norm", "1"], norm.Layers.Keys);
        Assert.Equal(norm.All, Math.Sqrt(norm.Layers.Values.Sum(n => n * n)), 1e-9);
        Assert.All(norm.Layers.Values, n => Assert.True(n > 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Measuring_leaves_gradients_mode_and_batch_norm_as_they_are(bool training)
    {
        using Sequential net = Net();
        Trainer.Backward(net, _batch);
        net.train(training);
        float[] before = Everything(net);
        GradientNorm first = GradientNorm.Of(net, _batch);
        Hessian.LargestEigenvalues(net, _batch, tolerance: 1e-2);
        Assert.Equal(first.All, GradientNorm.Of(net, _batch).All);
        Assert.Equal(before, Everything(net));
        Assert.Equal(training, net.training);
        net.eval();
        Assert.Equal(first.All, GradientNorm.Of(net, _batch).All);
    }

    [Fact]
    public void Frozen_and_unused_parameters_count_nothing()
    {
        using Sequential net = Net();
        net.get_parameter("0.weight")!.requires_grad = false;
        net.get_parameter("0.bias")!.requires_grad = false;
        Assert.Equal(["norm", "1"], GradientNorm.Of(net, _batch).Layers.Keys);
        using HalfUsed half = new();
        Assert.Equal(0, GradientNorm.Of(half, _batch).Layers["unused"]);
        Assert.True(GradientNorm.Of(half, _batch).Layers["used"] > 0);
    }

    [Fact]
    public void A_hundred_measurements_leave_no_tensors_behind()
    {
        using Sequential net = Net();
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.5);
        GradientNorm.Of(net, _batch, mask);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 100; i++)
        {
            GradientNorm.Of(net, _batch, mask);
            Hessian.LargestEigenvalues(net, _batch, 1, mask, tolerance: 0.1);
        }

        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - before, -50, 50);
    }

    [Fact]
    public void A_batch_or_mask_that_does_not_fit_is_said()
    {
        using Sequential net = Net();
        using LabelledTensors none = _batch.Slice(0, 0);
        Assert.Contains("no example", Assert.Throws<WorkbookException>(() => GradientNorm.Of(net, none)).Message);
        Assert.Contains("no parameter 'fc9.weight'",
            Assert.Throws<WorkbookException>(() => GradientNorm.Of(net, _batch, new Mask([KeyValuePair.Create("fc9.weight", ones(1))]))).Message);
    }

    private sealed class HalfUsed : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _used = nn.Linear(6, 3), _unused = nn.Linear(6, 3);

        public HalfUsed()
            : base("HalfUsed")
        {
            register_module("used", _used);
            register_module("unused", _unused);
        }

        public override Tensor forward(Tensor input) => _used.forward(input);
    }

    private static Sequential Net() => Initializer.HeNormal.Apply(
        nn.Sequential(("0", nn.Linear(6, 8)), ("norm", nn.BatchNorm1d(8)), ("relu", nn.ReLU()), ("1", nn.Linear(8, 3))), 1);

    private static float[] Everything(Sequential net) =>
        [.. net.state_dict().Values.Concat(net.parameters().Select(p => p.grad!)).SelectMany(t => t.to(ScalarType.Float32).data<float>().ToArray())];
}
