using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static Workbook.Sparse;

namespace Workbook.Tests;

/// <summary>Sparse convolutions that hand on in their own layout: the network answers and learns as the dense one.</summary>
public sealed class ChainTests : IDisposable
{
    private static readonly string[] s_chain = ["conv1", "bn1", "conv2", "bn2", "pool1", "conv3"];
    private static readonly (int Kernel, int Stride, int Padding)[] s_pools = [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0), (3, 3, 0)];
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static Sequential Network() => nn.Sequential(
        ("conv1", nn.Conv2d(3, 8, 3, padding: 1)), ("bn1", nn.BatchNorm2d(8)), ("relu1", nn.ReLU()),
        ("conv2", nn.Conv2d(8, 12, 3, stride: 2, padding: 1, bias: false)), ("bn2", nn.BatchNorm2d(12)), ("relu2", nn.ReLU(inplace: true)),
        ("pool1", nn.MaxPool2d(3, 2, 1)), ("conv3", nn.Conv2d(12, 6, 1)), ("drop", nn.Dropout(0)), ("mean", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()),
        ("fc", nn.Linear(6, 10)));

    private static Tensor Images(int count, int seed = 1) => Layers.Random(seed, "images", count, 3, 14, 14);

    private static Mask Prune(nn.Module model, double sparsity) => new Pruner(Saliency.Random(1)).Prune(model, sparsity);

    private static T Copy<T>(T from, T to)
        where T : nn.Module
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor value) in from.state_dict())
        {
            to.state_dict()[name].copy_(value);
        }

        return to;
    }

    private static (nn.Module<Tensor, Tensor> Dense, nn.Module<Tensor, Tensor> Sparse, Conversion Conversion) Pair(Func<nn.Module<Tensor, Tensor>> make)
    {
        nn.Module<Tensor, Tensor> dense = make(), sparse = Copy(dense, make());
        Mask mask = Prune(dense, 0.7);
        mask.Apply(dense);
        return (dense, sparse, Convert(sparse, mask, fromSparsity: 0.5, example: Images(2)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(32)]
    [InlineData(37)]
    public void A_chain_answers_as_the_dense_network_and_learns_as_it(int count)
    {
        (nn.Module<Tensor, Tensor> dense, nn.Module<Tensor, Tensor> sparse, Conversion conversion) = Pair(Network);
        Assert.Equal(s_chain, conversion.InPlanes);
        Assert.Contains("in the sparse layout to the next layer: conv1, bn1", conversion.ToString(), StringComparison.Ordinal);
        Mask mask = Prune(dense, 0.7);
        Tensor images = Images(count), labels = arange(count, ScalarType.Int64).remainder(10);
        for (int step = 0; step < 5; step++)
        {
            foreach (nn.Module<Tensor, Tensor> model in new[] { dense, sparse })
            {
                model.train();
                model.zero_grad();
                nn.functional.cross_entropy(model.forward(images), labels).backward();
                using IDisposable noGrad = no_grad();
                foreach (Parameter parameter in model.parameters())
                {
                    parameter.sub_(parameter.grad! * 0.05);
                }
            }

            mask.Apply(dense);
        }

        dense.eval();
        sparse.eval();
        Assert.Equal(dense.forward(images).shape, sparse.forward(images).shape);
        AssertNear(dense.forward(images), sparse.forward(images));
        ToDense(sparse);
        foreach ((string name, Tensor value) in dense.state_dict())
        {
            AssertNear(value.to(float32), sparse.state_dict()[name].to(float32));
        }
    }

    [Fact]
    public void What_stands_in_a_chain_has_the_parameters_buffers_and_modes_of_the_network()
    {
        using Sequential net = Network();
        net.eval();
        string[] types = [.. net.children().Select(c => c.GetType().Name)], buffers = [.. net.named_buffers().Select(b => b.name)];
        Convert(net, Prune(net, 0.7), fromSparsity: 0.5, example: Images(2));
        Assert.Equal(buffers, net.named_buffers().Select(b => b.name).Where(n => !n.Contains("indices", StringComparison.Ordinal)));
        Assert.All(net.modules(), module => Assert.False(module.training));
        net.train();
        ToDense(net);
        Assert.Equal(types, net.children().Select(c => c.GetType().Name));
        Assert.All(net.modules(), module => Assert.True(module.training));
    }

    [Fact]
    public void A_residual_network_stays_in_the_layout_across_its_sums()
    {
        (nn.Module<Tensor, Tensor> dense, nn.Module<Tensor, Tensor> sparse, Conversion conversion) = Pair(() => new Residual());
        Assert.Equal(["conv1", "bn1", "conv2", "bn2", "conv3"], conversion.InPlanes);
        dense.eval();
        sparse.eval();
        AssertNear(dense.forward(Images(16)), sparse.forward(Images(16)));
    }

    [Theory]
    [InlineData("flattens", new[] { "conv1", "bn1", "conv2" })]
    [InlineData("averages in between", new[] { "conv1", "conv2" })]
    [InlineData("draws", new string[0])]
    [InlineData("sizes", new[] { "conv1", "conv2" })]
    public void What_forward_does_with_images_keeps_the_layout_from_it(string kind, string[] chain)
    {
        using Odd net = new(kind);
        Conversion conversion = Convert(net, Prune(net, 0.7), fromSparsity: 0.5, example: Images(2));
        Assert.Equal(chain, conversion.InPlanes);
        net.eval();
        Tensor sparse = net.forward(Images(16));
        ToDense(net);
        net.eval();
        AssertNear(net.forward(Images(16)), sparse);
    }

    [Fact]
    public void Norms_and_pools_are_torchs_own_for_any_size()
    {
        (from groups in Gen.Int[1, 3]
         from lanes in Gen.Int[1, 2].Select(i => 8 * i)
         from channels in Gen.Int[1, 5]
         from height in Gen.Int[3, 9]
         from width in Gen.Int[3, 9]
         from pool in Gen.Int[0, 4].Select(i => s_pools[i])
         from training in Gen.Bool
         from affine in Gen.Bool
         from seed in Gen.Int[1, 99]
         select (count: groups * lanes, channels, height, width, pool, training, affine, seed)).Sample(c =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor images = Layers.Random(c.seed, "images", c.count, c.channels, c.height, c.width) * 3 + 5;
            BatchNorm2d norm = nn.BatchNorm2d(c.channels, affine: c.affine), same = Copy(norm, nn.BatchNorm2d(c.channels, affine: c.affine));
            MaxPool2d pool = nn.MaxPool2d(c.pool.Kernel, c.pool.Stride, c.pool.Padding);
            (nn.Module<Tensor, Tensor> Torch, nn.Module<Tensor, Tensor> Ours)[] pairs = [(norm, new PlanesNorm(same)), (pool, new PlanesPool(pool))];
            foreach ((nn.Module<Tensor, Tensor> torchs, nn.Module<Tensor, Tensor> ours) in pairs)
            {
                torchs.train(c.training);
                ours.train(c.training);
                ((IPlanesLayer)ours).GivesPlanes = true;
                Tensor leaf = images.clone().requires_grad_(), other = images.clone().requires_grad_();
                Tensor expected = torchs.forward(leaf), planes = ours.forward(PlanesFunction.Planes(other)), actual = PlanesFunction.Images(planes);
                Assert.True(Planes.Are(planes));
                AssertNear(expected, actual);
                Tensor outer = Layers.Random(c.seed, "gradient", expected.shape);
                foreach (bool further in new[] { true, false })
                {
                    Tensor[] gradients = [.. new[] { (expected, leaf), (actual, other) }
                        .Select(o => autograd.grad([o.Item1], [o.Item2], [outer], retain_graph: true, create_graph: further)[0])];
                    AssertNear(gradients[0], gradients[1]);
                }
            }

            AssertNear(norm.running_mean!, same.running_mean!);
            AssertNear(norm.running_var!, same.running_var!);
            Assert.Equal(norm.num_batches_tracked!.item<long>(), same.num_batches_tracked!.item<long>());
        }, iter: 60);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Not_a_number_and_infinity_go_through_a_chain_as_through_the_layers_apart(double odd)
    {
        using Sequential chained = Network(), apart = Copy(chained, Network());
        Mask mask = Prune(chained, 0.7);
        Convert(chained, mask, fromSparsity: 0.5, example: Images(2));
        Convert(apart, mask, fromSparsity: 0.5);
        chained.eval();
        apart.eval();
        Tensor images = Images(16);
        images[3] = full(images[3].shape, odd);
        Tensor expected = apart.forward(images), actual = chained.forward(images);
        Assert.Equal(expected.isfinite().data<bool>().ToArray(), actual.isfinite().data<bool>().ToArray());
        Assert.False(expected[3].isfinite().all().item<bool>());
        AssertNear(expected.nan_to_num(0, 0, 0), actual.nan_to_num(0, 0, 0));
    }

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected - actual).abs().max().item<float>(), size = Math.Max(1, expected.abs().max().item<float>());
        Assert.True(difference <= 1e-4 * size, $"differs by {difference} where the largest is {size}");
    }

    private sealed class Residual : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1 = nn.Conv2d(3, 8, 3, padding: 1), bn1 = nn.BatchNorm2d(8), conv2 = nn.Conv2d(8, 8, 3, padding: 1),
            bn2 = nn.BatchNorm2d(8), conv3 = nn.Conv2d(8, 4, 3, stride: 2, padding: 1), mean = nn.AdaptiveAvgPool2d(1);

        internal Residual()
            : base(nameof(Residual)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            Tensor x = bn1.call(conv1.call(input)).relu();
            return mean.call(conv3.call((bn2.call(conv2.call(x)) + x).relu_())).flatten(1);
        }
    }

    /// <summary>Does something with its images that planes do not stand.</summary>
    private sealed class Odd : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1 = nn.Conv2d(3, 8, 3, padding: 1), bn1 = nn.BatchNorm2d(8), conv2 = nn.Conv2d(8, 8, 3, padding: 1),
            bn2 = nn.BatchNorm2d(8);
        private readonly string _kind;

        internal Odd(string kind)
            : base(nameof(Odd))
        {
            _kind = kind;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = bn1.call(conv1.call(input)).relu();
            x = _kind switch
            {
                "averages in between" => nn.functional.avg_pool2d(x, 2),
                "draws" => nn.functional.dropout2d(x, 0.5, training),
                "sizes" => x / x.shape[1],
                _ => x,
            };
            x = bn2.call(conv2.call(x));
            return _kind == "flattens" ? x.flatten(1) : x.mean([2L, 3L]);
        }
    }
}
