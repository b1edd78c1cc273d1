using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class SparseConvLaws
{
    /// <summary>A convolution of any kind, the size of its images, and how many.</summary>
    internal sealed record Case(
        int Batch, int Inputs, int Outputs, int Groups, (int Y, int X) Kernel, (int Y, int X) Stride, (int Y, int X) Padding, (int Y, int X) Dilation,
        int Height, int Width, double Sparsity, bool Bias, int Seed)
    {
        internal (Conv2d Dense, Tensor Kept, SparseConv2d Sparse) Layers(int threads = 1)
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = RandomStream.Of(Seed, "layer");
            Conv2d dense = nn.Conv2d(Inputs, Outputs, (Kernel.Y, Kernel.X), (Stride.Y, Stride.X), (Padding.Y, Padding.X), (Dilation.Y, Dilation.X),
                groups: Groups, bias: Bias);
            Tensor kept = (rand(dense.weight.shape, generator: generator) >= Sparsity).DetachFromDisposeScope();
            using (no_grad())
            {
                dense.weight.copy_(randn(dense.weight.shape, generator: generator) * kept);
                dense.bias?.copy_(randn(dense.bias.shape, generator: generator));
            }

            return (dense, kept, new SparseConv2d(dense, kept, threads));
        }

        internal Tensor Images() => Workbook.Tests.Layers.Random(Seed, "images", Batch, Inputs, Height, Width);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static readonly Gen<(int, int)> s_small = Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3]);

    /// <summary>Every stride, padding, dilation and number of groups, kernels as large as the padded image, and no image at all.</summary>
    internal static readonly Gen<Case> Any =
        Gen.Select(
            Gen.Select(OneOf(0, 1, 2, 3, 5, 8, 16, 17, 20, 32), Gen.Int[1, 3], Gen.Int[1, 3], OneOf(1, 1, 2, 3)),
            Gen.Select(Gen.Select(Gen.Int[1, 5], Gen.Int[1, 5]), s_small, Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]), Gen.Select(Gen.Int[1, 2], Gen.Int[1, 2])),
            Gen.Select(Gen.Int[1, 11], Gen.Int[1, 11]), Layers.Sparsity, Gen.Bool, Small.Seed,
            (c, k, size, sparsity, bias, seed) => new Case(c.Item1, c.Item2 * c.Item4, c.Item3 * c.Item4, c.Item4, k.Item1, k.Item2, k.Item3, k.Item4,
                size.Item1, size.Item2, sparsity, bias, seed))
        .Where(c => c.Height + (2 * c.Padding.Y) > c.Dilation.Y * (c.Kernel.Y - 1) && c.Width + (2 * c.Padding.X) > c.Dilation.X * (c.Kernel.X - 1));

    /// <summary>Those between whose layers planes can stay.</summary>
    internal static readonly Gen<Case> Usual =
        Gen.Select(OneOf(1, 2, 5, 8, 16, 20), Gen.Int[1, 20], Gen.Int[1, 20], OneOf((3, 1), (1, 0)), Gen.Int[1, 2],
            Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9]), Gen.Select(Layers.Sparsity, Gen.Bool), Small.Seed,
            (batch, inputs, outputs, kernel, stride, size, s, seed) => new Case(batch, inputs, outputs, 1, (kernel.Item1, kernel.Item1), (stride, stride),
                (kernel.Item2, kernel.Item2), (1, 1), size.Item1, size.Item2, s.Item1, s.Item2, seed));

    [Fact]
    public void Output_and_gradients_are_those_of_the_masked_dense_layer() => Any.Sample(c => Compare(c, input => input));

    [Fact]
    public void So_they_are_for_other_strides_of_memory() => Any.Where(c => c.Batch > 0).Sample(
        c => Compare(c, input => c.Seed % 2 == 0 ? input.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
            : cat([input, input], 1)[TensorIndex.Colon, TensorIndex.Slice(0, c.Inputs)]), iter: 40);

    [Fact]
    public void So_they_are_with_planes_that_stay() => Usual.Sample(c =>
    {
        Compare(c, input => input, sparse => sparse.GivesPlanes = true, PlanesFunction.Images);
        Compare(c, PlanesFunction.Planes, sparse => sparse.GivesPlanes = true, PlanesFunction.Images);
        Compare(c, PlanesFunction.Planes);
    });

    [Fact]
    public void Every_width_of_vectors_computes_the_same() => Usual.Sample(c =>
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        Tensor images = c.Images(), expected = dense.forward(images);
        ConvShape shape = ConvShape.Of(dense);
        Csr pattern = Csr.Of(kept.contiguous(), c.Outputs, shape.Columns);
        ConvPlan plan = new(shape, pattern, c.Height, c.Width, Planes.LanesFor(c.Batch), shared: c.Seed % 2 == 0);
        ConvCall call = new(shape, pattern, plan, 1, true, c.Bias, false, false);
        foreach (int width in new[] { 512, 256, 128, 0 })
        {
            Layers.AssertClose(expected, ConvFunction.Product(call, ConvFunction.Memory(plan, images), sparse.Values, sparse.Bias, width));
        }
    }, iter: 40);

    [Fact]
    public void Several_threads_give_the_same_bits()
    {
        using DisposeScope scope = NewDisposeScope();
        Case c = new(32, 40, 48, 1, (3, 3), (1, 1), (1, 1), (1, 1), 14, 14, 0.8, true, 1);
        Tensor[] Run(SparseConv2d layer)
        {
            Tensor images = c.Images().requires_grad_(), output = layer.forward(images);
            output.square().sum().backward();
            return [output, images.grad!, layer.Values.grad!, layer.Bias!.grad!];
        }

        Assert.All(Run(c.Layers().Sparse).Zip(Run(c.Layers(threads: 4).Sparse)),
            pair => Assert.Equal(pair.First.data<float>().ToArray(), pair.Second.data<float>().ToArray()));
    }

    [Fact]
    public void Second_derivatives_are_those_of_the_masked_dense_layer()
    {
        using DisposeScope scope = NewDisposeScope();
        Case c = new(4, 3, 5, 1, (3, 3), (2, 2), (1, 1), (1, 1), 6, 7, 0.5, true, 1);
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        (Tensor Images, Tensor Weight) Twice(nn.Module<Tensor, Tensor> layer, Tensor weight)
        {
            Tensor images = c.Images().requires_grad_();
            Tensor first = autograd.grad([layer.forward(images).pow(3).sum()], [images], retain_graph: true, create_graph: true)[0];
            IList<Tensor> second = autograd.grad([first.square().sum()], [images, weight], retain_graph: true);
            return (second[0], second[1]);
        }

        (Tensor Images, Tensor Weight) expected = Twice(dense, dense.weight), actual = Twice(sparse, sparse.Values);
        Layers.AssertClose(expected.Images, actual.Images);
        Layers.AssertClose(expected.Weight.masked_select(kept), actual.Weight);
    }

    [Fact]
    public void Infinity_reaches_the_gradients_of_weights_that_meet_it_alone() => Usual.Where(c => c.Sparsity < 1).Sample(c =>
    {
        using DisposeScope scope = NewDisposeScope();
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        Tensor images = c.Images().masked_fill(Layers.Random(c.Seed, "where", c.Batch, c.Inputs, c.Height, c.Width) > 2, double.PositiveInfinity);
        dense.forward(images).sum().backward();
        sparse.forward(images).sum().backward();
        Tensor expected = dense.weight.grad!.masked_select(kept), actual = sparse.Values.grad!;
        Assert.True(expected.isfinite().logical_not().logical_or(actual.isfinite()).all().item<bool>());
    }, iter: 30);

    [Fact]
    public void Weights_changed_between_forward_and_backward_show_as_NaN()
    {
        using DisposeScope scope = NewDisposeScope();
        Case c = new(4, 3, 5, 1, (3, 3), (1, 1), (1, 1), (1, 1), 6, 7, 0.5, true, 1);
        SparseConv2d sparse = c.Layers().Sparse;
        Tensor images = c.Images().requires_grad_(), loss = sparse.forward(images).square().sum();
        using (no_grad())
        {
            sparse.Values.mul_(2);
        }

        loss.backward();
        Assert.True(sparse.Values.grad!.isnan().all().item<bool>());
        Assert.True(sparse.Bias!.grad!.isnan().all().item<bool>());
        Assert.True(images.grad!.isnan().all().item<bool>());
    }

    [Fact]
    public void Any_optimizer_trains_it_as_the_masked_dense_layer()
    {
        using DisposeScope scope = NewDisposeScope();
        Case c = new(16, 3, 8, 1, (3, 3), (1, 1), (1, 1), (1, 1), 8, 8, 0.8, true, 3);
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        using optim.Optimizer one = optim.Adam(dense.parameters(), 0.01), other = optim.Adam(sparse.parameters(), 0.01);
        for (int step = 0; step < 20; step++)
        {
            foreach ((nn.Module<Tensor, Tensor> layer, optim.Optimizer optimizer) in new (nn.Module<Tensor, Tensor>, optim.Optimizer)[]
                { (dense, one), (sparse, other) })
            {
                optimizer.zero_grad();
                layer.forward(c.Images()).square().mean().backward();
                if (dense.weight.grad is { } gradient && layer == dense)
                {
                    gradient.mul_(kept);
                }

                optimizer.step();
            }
        }

        Layers.AssertClose(dense.weight, sparse.ToConv2d().weight);
    }

    [Fact]
    public void It_goes_through_a_file_and_back_to_a_dense_layer()
    {
        using DisposeScope scope = NewDisposeScope();
        Case c = new(4, 4, 6, 2, (3, 5), (2, 1), (1, 2), (1, 1), 9, 8, 0.7, true, 5);
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        SparseConv2d other = new(dense, kept);
        using (no_grad())
        {
            other.Values.mul_(3);
        }

        other.load_state_dict(sparse.state_dict());
        Layers.AssertClose(dense.forward(c.Images()), other.forward(c.Images()));
        Layers.AssertClose(dense.forward(c.Images()), sparse.ToConv2d().forward(c.Images()));
        Assert.True(sparse.Kept().eq(kept).all().item<bool>());
        Assert.Equal(["values", "bias", "crow_indices", "col_indices"], sparse.state_dict().Keys);
    }

    public static TheoryData<string, Action> BadCalls => new()
    {
        { "the mask has shape [3, 2, 3], the layer's weight [3, 2, 3, 3]", () => _ = new SparseConv2d(nn.Conv2d(2, 3, 3), ones(3, 2, 3)) },
        { "it pads with Reflect", () => _ = new SparseConv2d(nn.Conv2d(2, 3, 3, padding: 1, padding_mode: PaddingModes.Reflect), ones(3, 2, 3, 3)) },
        { "it pads its two sides differently", () => _ = new SparseConv2d(nn.Conv2d(2, 3, 2, padding: Padding.Same), ones(3, 2, 2, 2)) },
        { "takes [batch, 2, height, width], and the input is [5, 3, 8, 8]", () => Conv().forward(zeros(5, 3, 8, 8)) },
        { "takes [batch, 2, height, width], and the input is [5, 2]", () => Conv().forward(zeros(5, 2)) },
        { "the input is Float64", () => Conv().forward(zeros([5, 2, 8, 8], ScalarType.Float64)) },
        { "larger than the padded images", () => Conv().forward(zeros(5, 2, 2, 8)) },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line(string says, Action call)
    {
        using DisposeScope scope = NewDisposeScope();
        WorkbookException e = Assert.Throws<WorkbookException>(call);
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    private static SparseConv2d Conv() => new(nn.Conv2d(2, 3, 3), ones(3, 2, 3, 3));

    private static void Compare(Case c, Func<Tensor, Tensor> before, Action<SparseConv2d>? set = null, Func<Tensor, Tensor>? after = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (Conv2d dense, Tensor kept, SparseConv2d sparse) = c.Layers();
        set?.Invoke(sparse);
        Tensor one = c.Images().requires_grad_(), other = c.Images().requires_grad_();
        Tensor expected = dense.forward(one), actual = sparse.forward(before(other));
        actual = after?.Invoke(actual) ?? actual;
        Layers.AssertClose(expected, actual);
        Tensor weights = Layers.Random(c.Seed, "weights", expected.shape);
        (expected * weights).sum().backward();
        (actual * weights).sum().backward();
        Layers.AssertClose(one.grad!, other.grad!);
        double size = Math.Sqrt(Math.Max(1, expected.numel() / Math.Max(1, c.Outputs)));
        Layers.AssertClose(dense.weight.grad!.masked_select(kept) / size, sparse.Values.grad! / size);
        if (c.Bias)
        {
            Layers.AssertClose(dense.bias!.grad! / size, sparse.Bias!.grad! / size);
        }

        using IDisposable noGrad = no_grad();
        Tensor again = sparse.forward(before(other));
        Layers.AssertClose(expected, after?.Invoke(again) ?? again);
    }
}
