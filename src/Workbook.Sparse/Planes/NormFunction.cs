using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What one call of a batch norm leaves for its backward pass, besides tensors.</summary>
/// <param name="Mean">Of each channel.</param>
/// <param name="Inverse">1 / standard deviation of each channel.</param>
/// <param name="Epsilon">What was added to the variance.</param>
/// <param name="OfBatch">Whether both are the batch's, through which the gradient goes too.</param>
internal sealed record NormCall(float[] Mean, float[] Inverse, double Epsilon, bool OfBatch);

/// <summary>
/// Batch norm over <see cref="Planes"/> (Ioffe and Szegedy 2015), as autograd sees it: (planes, weight or null, bias or null, <see cref="NormCall"/>) →
/// planes. Nothing may be thrown in <see cref="backward"/>, which native code calls.
/// </summary>
internal sealed unsafe class NormFunction : autograd.SingleTensorFunction<NormFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(NormFunction);

    /// <summary>Mean and biased variance of each channel.</summary>
    internal static (float[] Mean, float[] Variance) Moments(Tensor planes)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Planes.Sizes(planes);
        using Tensor contiguous = planes.contiguous();
        return Moments(FeatureMajor.Pointer(contiguous), new(groups, channels, rows - 1, pitch - 1, lanes));
    }

    /// <summary>The same of planes in memory, whatever frames them.</summary>
    internal static (float[] Mean, float[] Variance) Moments(float* planes, PlaneSize size)
    {
        (float[] mean, float[] variance) = (new float[size.Channels], new float[size.Channels]);
        for (int c = 0; c < size.Channels; c++)
        {
            double sum = 0, squares = 0;
            for (int line = 0; line < size.Groups * size.Height; line++)
            {
                sum += Runs.Sum(Row(line), size.Width * size.Lanes);
            }

            float middle = mean[c] = (float)(sum / size.Places);
            for (int line = 0; line < size.Groups * size.Height; line++)
            {
                squares += Runs.SumOfSquares(Row(line), size.Width * size.Lanes, middle);
            }

            variance[c] = (float)(squares / size.Places);

            float* Row(int line) => planes + size.First(line / size.Height, c) + ((nint)(line % size.Height) * size.Row);
        }

        return (mean, variance);
    }

    /// <summary>The normalized planes, without a graph.</summary>
    internal static Tensor Of(Tensor planes, Tensor? weight, Tensor? bias, NormCall call)
    {
        using Tensor rows = planes.contiguous();
        Tensor output = Planes.EmptyLike(planes);
        float* x = FeatureMajor.Pointer(rows), to = FeatureMajor.Pointer(output);
        (float[]? w, float[]? b) = (weight?.data<float>().ToArray(), bias?.data<float>().ToArray());
        for (int c = 0; c < call.Mean.Length; c++)
        {
            float factor = (w?[c] ?? 1) * call.Inverse[c], shift = (b?[c] ?? 0) - (factor * call.Mean[c]);
            Planes.ForRows(planes, c, (at, length) => Runs.Scale(x + at, to + at, length, factor, shift));
        }

        return output;
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor planes, Tensor? weight, Tensor? bias, NormCall call) = ((Tensor)vars[0], (Tensor?)vars[1], (Tensor?)vars[2], (NormCall)vars[3]);
        ctx.save_for_backward(weight is null ? [planes] : [planes, weight]);
        ctx.save_data(nameof(NormCall), call);
        return Of(planes, weight, bias, call);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        NormCall call = (NormCall)ctx.get_data(nameof(NormCall));
        List<Tensor> saved = [];
        try
        {
            saved = ctx.get_saved_variables();
            (Tensor planes, Tensor? weight) = (saved[0], saved.Count > 1 ? saved[1] : null);
            return is_grad_enabled() ? Differentiable(call, planes, weight, grad_output) : Gradients(call, planes, weight, grad_output);
        }
        catch (Exception)
        {
            // A weight or an input was changed in place since: an exception would end the process, NaN shows it.
            using Scalar none = double.NaN;
            return [full(grad_output.shape, none), full([call.Mean.Length], none), full([call.Mean.Length], none), null!];
        }
        finally
        {
            saved.ForEach(tensor => tensor.Dispose());
        }
    }

    private static List<Tensor> Gradients(NormCall call, Tensor planes, Tensor? weight, Tensor gradient)
    {
        using Tensor inputs = planes.contiguous(), outer = gradient.contiguous();
        Tensor result = Planes.EmptyLike(planes);
        float* x = FeatureMajor.Pointer(inputs), g = FeatureMajor.Pointer(outer), to = FeatureMajor.Pointer(result);
        float[]? w = weight?.data<float>().ToArray();
        (int channels, double count) = (call.Mean.Length, Planes.Places(planes));
        (float[] ofWeight, float[] ofBias) = (new float[channels], new float[channels]);
        for (int c = 0; c < channels; c++)
        {
            (float mean, float inverse) = (call.Mean[c], call.Inverse[c]);
            double sum = 0, product = 0;
            Planes.ForRows(planes, c, (at, length) =>
            {
                (float ofG, float ofGX) = Runs.Sums(g + at, x + at, length, mean);
                (sum, product) = (sum + ofG, product + ofGX);
            });
            (ofWeight[c], ofBias[c]) = ((float)(product * inverse), (float)sum);
            double a = (w?[c] ?? 1) * inverse, b = call.OfBatch ? -a * inverse * inverse * product / count : 0,
                shift = call.OfBatch ? (-a * sum / count) - (b * mean) : 0;
            Planes.ForRows(planes, c, (at, length) =>
            {
                if (call.OfBatch)
                {
                    Runs.Combine(g + at, x + at, to + at, length, (float)a, (float)b, (float)shift);
                }
                else
                {
                    Runs.Scale(g + at, to + at, length, (float)a, 0);
                }
            });
        }

        return [result, weight is null ? null! : tensor(ofWeight), weight is null ? null! : tensor(ofBias), null!];
    }

    /// <summary>For <c>create_graph</c>: the same by torch's own operations, right to any order.</summary>
    private static List<Tensor> Differentiable(NormCall call, Tensor planes, Tensor? weight, Tensor gradient)
    {
        Tensor[] inputs = weight is null ? [planes] : [planes, weight, zeros_like(weight)];
        IList<Tensor> gradients = Planes.ByTorch(leaves =>
        {
            Tensor images = PlanesFunction.Images(leaves[0]);
            (Tensor mean, Tensor variance) = call.OfBatch ? (zeros(0), zeros(0)) : (tensor(call.Mean), tensor(call.Inverse).pow(HeldNumbers.MinusTwo));
            return PlanesFunction.Planes(nn.functional.batch_norm(images, call.OfBatch ? null! : mean, call.OfBatch ? null! : variance,
                weight is null ? null : leaves[1], weight is null ? null : leaves[2], call.OfBatch, 0, call.OfBatch ? call.Epsilon : 0));
        }, inputs, gradient);
        return [gradients[0], weight is null ? null! : gradients[1], weight is null ? null! : gradients[2], null!];
    }
}
