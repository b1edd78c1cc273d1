using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a layer was given, out of the gradients of its weight and its bias.</summary>
internal static class LayerReading
{
    /// <summary>A number for each input; NaN for those whose channels have no part in the output, null where none has.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weight">The gradient of its weight.</param>
    /// <param name="bias">That of its bias.</param>
    /// <param name="isMove">Whether another reading is near, which tells what is no more than rounding.</param>
    internal static double[]? Inputs(ChannelLayer layer, Tensor? weight, Tensor? bias, bool isMove)
    {
        if (weight is null || weight.IsInvalid || (bias is not null && bias.IsInvalid))
        {
            return null;
        }

        double[] inputs = layer switch
        {
            { IsSlopes: true } => Values(weight),
            { IsBilinear: true } => [.. Columns(weight.sum(2L), bias!), .. Columns(weight.sum(1L), bias!)],
            { IsNorm: true } => Norm(layer, weight, bias!),
            { IsTransposed: true, Groups: 1 } => Columns(layer.OnceEach(weight).flatten(2).sum(2L).t(), bias!),
            { IsTransposed: true } => Values(weight.flatten(1).sum(1L).div(bias!)),
            _ => Rows(layer, weight, bias!, isMove),
        };
        return inputs.Any(double.IsFinite) && (!layer.IsSlopes || inputs.Any(i => i != 0)) ? inputs : null;
    }

    internal static double[] Values(Tensor tensor) => tensor.detach().to(ScalarType.Float64).flatten().data<double>().ToArray();

    /// <summary>Σ dW·db / Σ db², in each block.</summary>
    private static double[] Rows(ChannelLayer layer, Tensor weight, Tensor bias, bool isMove)
    {
        long blocks = layer.Inputs / weight.shape[1];
        Tensor slopes = bias.reshape(blocks, 1, layer.Outputs / blocks);
        Tensor rows = weight.flatten(1).reshape(blocks, layer.Outputs / blocks, weight.shape[1], -1).select(3, layer.FullTap);
        Tensor inputs = slopes.bmm(rows).div(slopes.mul(slopes).sum(2L, keepdim: true));
        // Gradients that are rounding alone (of queries: a softmax of equals has none) fit no inputs.
        // That is seen at rest: moves are small.
        bool isNoise = !isMove && (rows - slopes.transpose(1, 2).mul(inputs)).norm().Value() > 0.3 * rows.norm().Value();
        return isNoise ? [.. Enumerable.Repeat(double.NaN, layer.Inputs)] : Values(inputs);
    }

    private static double[] Norm(ChannelLayer layer, Tensor weight, Tensor bias)
    {
        int dim = layer.IsBare ? 0 : layer.Parts[0].Out;
        Tensor slopes = bias.transpose(dim, 0).reshape(layer.Outputs, -1);
        return Values(weight.transpose(dim, 0).reshape(layer.Outputs, -1).mul(slopes).sum(1L).div(slopes.mul(slopes).sum(1L)));
    }

    /// <summary>The same, of a matrix of outputs and inputs, up to a factor.</summary>
    private static double[] Columns(Tensor weight, Tensor bias) => Values(weight.mul(bias.unsqueeze(1)).sum(0L).div(bias.mul(bias).sum()));
}
