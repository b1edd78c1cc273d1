using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class SparseLinearLaws
{
    /// <summary>The same numbers as rows, as feature-major memory, as a part of a larger tensor, and with more dimensions.</summary>
    private static Tensor Layout(Tensor rows, int layout) => layout switch
    {
        0 => rows,
        1 => rows.t().contiguous().t(),
        2 => cat([rows, rows], 1).repeat_interleave(2, 0)[TensorIndex.Slice(0, null, 2), TensorIndex.Slice(0, rows.shape[1])],
        _ => rows.view(1, -1, 1, rows.shape[1]),
    };

    [Fact]
    public void Output_and_gradients_are_those_of_the_masked_dense_layer() =>
        Gen.Select(Layers.Batch, Gen.Int[1, 40], Gen.Int[1, 30], Layers.Sparsity, Gen.Bool, Gen.Int[0, 3], Small.Seed)
            .Sample((batch, inputs, outputs, sparsity, bias, layout, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(inputs, outputs, sparsity, seed, bias);
            Tensor rows = Layers.Random(seed, "input", batch, inputs), weights = Layers.Random(seed, "weights", batch, outputs);
            Tensor one = Layout(rows, batch == 0 ? 0 : layout).detach().requires_grad_(), other = Layout(rows, batch == 0 ? 0 : layout).detach()
                .requires_grad_();
            Tensor expected = dense.forward(one), actual = sparse.forward(other);
            Layers.AssertClose(expected, actual);
            (expected.flatten(0, -2) * weights).sum().backward();
            (actual.flatten(0, -2) * weights).sum().backward();
            Layers.AssertClose(one.grad!, other.grad!);
            Layers.AssertClose(dense.weight.grad!.masked_select(kept), sparse.Values.grad!);
            if (bias)
            {
                Layers.AssertClose(dense.bias!.grad!, sparse.Bias!.grad!);
            }

            using IDisposable noGrad = no_grad();
            Layers.AssertClose(expected, sparse.forward(other));
        });

    [Fact]
    public void Every_width_of_vectors_computes_the_same() =>
        Gen.Select(Layers.Batch, Gen.Int[1, 20], Gen.Int[1, 20], Layers.Sparsity, Small.Seed).Sample((batch, inputs, outputs, sparsity, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(inputs, outputs, sparsity, seed);
            Csr pattern = Csr.Of(kept, outputs, inputs);
            Tensor input = Layers.Random(seed, "input", inputs, batch), gradient = Layers.Random(seed, "gradient", outputs, batch);
            Tensor expectedOutput = dense.weight.matmul(input) + dense.bias!.unsqueeze(1), expectedValues = gradient.matmul(input.t()).masked_select(kept);
            foreach (int width in new[] { 512, 256, 128, 0 })
            {
                Tensor output = SparseFunction.Product(pattern, input, sparse.Values, sparse.Bias, threads: 1, width).t();
                (Tensor values, Tensor biases) = SparseFunction.Gradients(pattern, input, gradient, threads: 1, width);
                Layers.AssertClose(expectedOutput, output);
                Layers.AssertClose(expectedValues, values);
                Layers.AssertClose(gradient.sum(1), biases);
            }
        });

    [Fact]
    public void The_gradient_is_the_slope_of_the_loss() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 12], Gen.Int[1, 12], Gen.Double[0, 0.9], Small.Seed).Sample((batch, inputs, outputs, sparsity, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(inputs, outputs, sparsity, seed);
            Tensor input = Layers.Random(seed, "input", batch, inputs).requires_grad_();
            sparse.forward(input).square().sum().backward();
            Tensor inputStep = Layers.Random(seed, "input step", batch, inputs), weightStep = Layers.Random(seed, "weight step", outputs, inputs) * kept,
                biasStep = Layers.Random(seed, "bias step", outputs);
            double slope = (input.grad! * inputStep).sum().item<float>()
                + (sparse.Values.grad! * weightStep.masked_select(kept)).sum().item<float>() + (sparse.Bias!.grad! * biasStep).sum().item<float>();
            using IDisposable noGrad = no_grad();
            double Loss(double step) => nn.functional.linear(Far(input, inputStep, step), Far(dense.weight, weightStep, step), Far(dense.bias!, biasStep, step))
                .square().sum().item<double>();
            double scale = Math.Sqrt(Loss(0)) * (1 + Math.Abs(slope));
            Assert.Equal((Loss(1e-4) - Loss(-1e-4)) / 2e-4, slope, 1e-4 * scale);
        });

    private static Tensor Far(Tensor from, Tensor direction, double step) => from.to(ScalarType.Float64) + (direction.to(ScalarType.Float64) * step);

    [Fact]
    public void NaN_and_infinity_pass_through_kept_weights_alone() =>
        Gen.Select(Layers.Batch.Where(b => b > 0), Gen.Int[1, 12], Gen.Int[1, 12], Gen.Double[0, 1], Small.Seed)
            .Sample((batch, inputs, outputs, sparsity, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(inputs, outputs, sparsity, seed);
            Tensor input = Layers.Random(seed, "input", batch, inputs), where = Layers.Random(seed, "where", batch, inputs);
            input = input.masked_fill(where > 1.5, double.NaN).masked_fill(where < -1.5, double.PositiveInfinity);

            // Dense products by hand, as 0 · ∞ of a pruned weight is NaN there.
            using (no_grad())
            {
                Tensor products = dense.weight.unsqueeze(0) * input.unsqueeze(1);
                Tensor expected = products.masked_fill(kept.logical_not(), 0).sum(2L) + dense.bias!;
                Tensor actual = sparse.forward(input);
                Assert.True(expected.isnan().eq(actual.isnan()).all().item<bool>());
                Assert.True(expected.isinf().eq(actual.isinf()).all().item<bool>());
                Layers.AssertClose(expected.nan_to_num(0, 0, 0), actual.nan_to_num(0, 0, 0));
            }

            Tensor gradient = Layers.Random(seed, "gradient", batch, outputs);
            (sparse.forward(input) * gradient).sum().backward();
            Tensor expectedValues = (gradient.unsqueeze(2) * input.unsqueeze(1)).sum(0L).masked_select(kept);
            Assert.True(expectedValues.isnan().eq(sparse.Values.grad!.isnan()).all().item<bool>());
            Assert.True(expectedValues.isinf().eq(sparse.Values.grad!.isinf()).all().item<bool>());
        });

    [Fact]
    public void A_kept_weight_of_0_counts_as_kept()
    {
        using DisposeScope scope = NewDisposeScope();
        Linear dense = nn.Linear(new Parameter(zeros(1, 2)), new Parameter(zeros(1)));
        SparseLinear sparse = new(dense, tensor(new[] { true, false }).view(1, 2));
        Assert.True(float.IsNaN(sparse.forward(tensor(new[] { float.PositiveInfinity, 1 })).item<float>()));
        Assert.Equal(0, sparse.forward(tensor(new[] { 1, float.PositiveInfinity })).item<float>());
        sparse.forward(tensor(new[] { 3f, 5 })).sum().backward();
        Assert.Equal(3, sparse.Values.grad!.item<float>());
    }

    [Fact]
    public void Several_threads_give_the_same_bits()
    {
        using DisposeScope scope = NewDisposeScope();
        (_, _, SparseLinear one) = Layers.New(300, 200, 0.8, 1);
        (_, _, SparseLinear four) = Layers.New(300, 200, 0.8, 1, threads: 4);
        Tensor[] Run(SparseLinear layer)
        {
            Tensor input = Layers.Random(1, "input", 128, 300).requires_grad_();
            Tensor output = layer.forward(input);
            output.square().sum().backward();
            return [output, input.grad!, layer.Values.grad!, layer.Bias!.grad!];
        }

        Assert.All(Run(one).Zip(Run(four)), pair => Assert.Equal(pair.First.data<float>().ToArray(), pair.Second.data<float>().ToArray()));
    }

    [Fact]
    public void Between_sparse_layers_nothing_is_rearranged()
    {
        using DisposeScope scope = NewDisposeScope();
        (_, _, SparseLinear sparse) = Layers.New(30, 20, 0.8, 1);
        Tensor output = sparse.forward(Layers.Random(1, "input", 64, 30));
        Assert.Equal([1, 64], output.stride());
        Assert.Equal([1, 64], output.relu().stride());
        Assert.Equal([1, 64], nn.functional.gelu(output).stride());
    }

    [Fact]
    public void An_activation_may_work_in_place()
    {
        using DisposeScope scope = NewDisposeScope();
        (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(30, 20, 0.8, 1);
        Tensor input = Layers.Random(1, "input", 64, 30);
        dense.forward(input).relu_().square().sum().backward();
        sparse.forward(input).relu_().square().sum().backward();
        Layers.AssertClose(dense.weight.grad!.masked_select(kept), sparse.Values.grad!);
    }

    [Fact]
    public void Second_derivatives_are_those_of_the_masked_dense_layer()
    {
        using DisposeScope scope = NewDisposeScope();
        (Linear dense, Tensor kept, SparseLinear sparse) = Layers.New(9, 7, 0.5, 1);
        (Tensor Input, Tensor Weight) Twice(nn.Module<Tensor, Tensor> layer, Tensor weight)
        {
            Tensor input = Layers.Random(1, "input", 5, 9).requires_grad_();
            Tensor first = autograd.grad([layer.forward(input).pow(3).sum()], [input], retain_graph: true, create_graph: true)[0];
            IList<Tensor> second = autograd.grad([first.square().sum()], [input, weight], retain_graph: true);
            return (second[0], second[1]);
        }

        (Tensor Input, Tensor Weight) expected = Twice(dense, dense.weight), actual = Twice(sparse, sparse.Values);
        Layers.AssertClose(expected.Input, actual.Input);
        Layers.AssertClose(expected.Weight.masked_select(kept), actual.Weight);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Weights_changed_between_forward_and_backward_show_as_NaN(bool bias)
    {
        using DisposeScope scope = NewDisposeScope();
        (_, _, SparseLinear sparse) = Layers.New(9, 7, 0.5, 1, bias);
        Tensor input = Layers.Random(1, "input", 5, 9).requires_grad_();
        Tensor loss = sparse.forward(input).square().sum();
        using (no_grad())
        {
            sparse.Values.mul_(2);
        }

        loss.backward();
        Assert.True(sparse.Values.grad!.isnan().all().item<bool>());
        Assert.True(sparse.Bias is null || sparse.Bias.grad!.isnan().all().item<bool>());
        Assert.True(input.grad!.isnan().all().item<bool>());
    }

    public static TheoryData<string, Action> BadCalls => new()
    {
        { "the mask has shape [4, 3], the layer's weight [3, 4]", () => _ = new SparseLinear(nn.Linear(4, 3), ones(4, 3)) },
        { "values other than 0 and 1", () => _ = new SparseLinear(nn.Linear(4, 3), full([3, 4], 0.5)) },
        { "this one is Float64 on cpu", () => _ = new SparseLinear(nn.Linear(4, 3, dtype: ScalarType.Float64), ones(3, 4)) },
        { "takes [.., 4], and the input is [2, 5]", () => Layers.New(4, 3, 0.5, 1).Sparse.forward(zeros(2, 5)) },
        { "takes [.., 4], and the input is []", () => Layers.New(4, 3, 0.5, 1).Sparse.forward(tensor(1f)) },
        { "the input is Int64", () => Layers.New(4, 3, 0.5, 1).Sparse.forward(zeros([2, 4], ScalarType.Int64)) },
        { "was made Float64", () => Layers.New(4, 3, 0.5, 1).Sparse.to(ScalarType.Float64).forward(zeros(2, 4)) },
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
}
