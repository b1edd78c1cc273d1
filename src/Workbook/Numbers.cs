using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Numbers of any dtype.</summary>
internal static class Numbers
{
    /// <summary>In float32 or float64, in which products of small numbers and long sums keep their digits.</summary>
    internal static Tensor AtLeastSingle(this Tensor tensor) =>
        tensor.dtype is ScalarType.Float32 or ScalarType.Float64 ? tensor : tensor.to(ScalarType.Float32);

    /// <summary>The number that a scalar of any dtype holds.</summary>
    internal static double Value(this Tensor scalar) => scalar.to(ScalarType.Float64).item<double>();

    /// <summary>What a model says of inputs that stay as they are, even where it changes what it is given.</summary>
    internal static Tensor Answer(this nn.Module<Tensor, Tensor> model, Tensor inputs) => model.forward(inputs.clone());

    /// <summary>
    /// The first tensor with NaN or infinity, null where there is none. A buffer of 0 and −∞ is no such tensor: attention masks are written so.
    /// </summary>
    internal static string? Unsound(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return tensors.FirstOrDefault(t => !t.Value.isfinite().all().item<bool>()
            && (t.Value is Parameter || t.Value.eq(HeldNumbers.Zero) is var zero
                && !(zero.any().item<bool>() && zero.logical_or(t.Value.isneginf()).all().item<bool>()))).Key;
    }
}
