using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What one call of a layer leaves for its backward pass, besides tensors.</summary>
internal sealed record SparseCall(Csr Pattern, int Threads, bool NeedsInputGradient, bool HasBias);

/// <summary>
/// The product as autograd sees it: (input [batch, in], values [nnz], bias [out] or null, <see cref="SparseCall"/>) →
/// [batch, out]. All checks are the layer's: nothing may be thrown in <see cref="backward"/>, which native code calls.
/// </summary>
internal sealed class SparseFunction : autograd.SingleTensorFunction<SparseFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(SparseFunction);

    /// <summary>The product of checked tensors, without a graph.</summary>
    internal static unsafe Tensor Product(Csr pattern, Tensor memory, Tensor values, Tensor? bias, int threads, int width)
    {
        int batch = (int)memory.size(1);
        Tensor output = FeatureMajor.Empty(batch, pattern.Rows);
        using Tensor outputMemory = output.t();
        Kernels.Product(pattern.Walk, batch, FeatureMajor.Pointer(values), bias is null ? null : FeatureMajor.Pointer(bias),
            FeatureMajor.Pointer(memory), FeatureMajor.Pointer(outputMemory), batch, batch, threads, width);
        return output;
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Tensor values, Tensor? bias, SparseCall call) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor?)vars[2], (SparseCall)vars[3]);
        Tensor memory = FeatureMajor.Of(input);
        ctx.save_for_backward([input, values, memory]);
        ctx.save_data(nameof(SparseCall), call);
        return Product(call.Pattern, memory, values, bias, call.Threads, Kernels.Widest);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        SparseCall call = (SparseCall)ctx.get_data(nameof(SparseCall));
        try
        {
            List<Tensor> saved = ctx.get_saved_variables();
            return is_grad_enabled()
                ? Differentiable(call, saved[0], saved[1], grad_output)
                : Gradients(call, saved, grad_output);
        }
        catch (Exception)
        {
            // A weight or an input was changed in place since: an exception would end the process, NaN shows it.
            using Scalar none = double.NaN;
            Tensor nan = full([call.Pattern.Column.Length], none);
            return [call.NeedsInputGradient ? full([grad_output.shape[0], call.Pattern.Columns], none) : null!, nan, call.HasBias
                ? full([call.Pattern.Rows], none) : null!, null!];
        }
    }

    /// <summary>The gradients of the values and biases.</summary>
    internal static unsafe (Tensor Values, Tensor Bias) Gradients(Csr pattern, Tensor memory, Tensor gradientMemory, int threads, int width)
    {
        Tensor values = zeros(pattern.Column.Length, ScalarType.Float32), bias = zeros(pattern.Rows, ScalarType.Float32);
        int batch = (int)memory.size(1);
        Kernels.Gradients(pattern.Walk, batch, FeatureMajor.Pointer(memory), FeatureMajor.Pointer(gradientMemory), batch,
            FeatureMajor.Pointer(values), FeatureMajor.Pointer(bias), batch, threads, width);
        return (values, bias);
    }

    private static List<Tensor> Gradients(SparseCall call, List<Tensor> saved, Tensor gradient)
    {
        using Tensor input = saved[0], values = saved[1], memory = saved[2], gradientMemory = FeatureMajor.Of(gradient);
        (Tensor valueGradients, Tensor biasGradients) = Gradients(call.Pattern, memory, gradientMemory, call.Threads, Kernels.Widest);
        return [call.NeedsInputGradient ? InputGradient(call, values, gradientMemory, (int)memory.size(1)) : null!, valueGradients, call.HasBias
            ? biasGradients : null!, null!];
    }

    /// <summary>The same kernel, with the transposed matrix.</summary>
    private static unsafe Tensor InputGradient(SparseCall call, Tensor values, Tensor gradientMemory, int batch)
    {
        Walk transposed = call.Pattern.Transposed;
        Tensor gradient = FeatureMajor.Empty(batch, transposed.Rows);
        using Tensor memory = gradient.t();
        transposed.InOrder(values, weights => Kernels.Product(transposed, batch, (float*)weights, null, FeatureMajor.Pointer(gradientMemory),
            FeatureMajor.Pointer(memory), batch, batch, call.Threads, Kernels.Widest));
        return gradient;
    }

    /// <summary>For <c>create_graph</c>: the gradients by torch's own operations, as slow as a dense layer's and right to any order.</summary>
    private static List<Tensor> Differentiable(SparseCall call, Tensor input, Tensor values, Tensor gradient)
    {
        Csr pattern = call.Pattern;
        Tensor at = pattern.Positions();
        Tensor weight = zeros((long)pattern.Rows * pattern.Columns).scatter(0, at, values).view(pattern.Rows, pattern.Columns);
        return [call.NeedsInputGradient ? gradient.matmul(weight) : null!, gradient.t().matmul(input).flatten().index_select(0, at), call.HasBias
            ? gradient.sum([0L]) : null!, null!];
    }
}
