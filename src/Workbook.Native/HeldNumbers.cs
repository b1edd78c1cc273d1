using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Numbers that stay while libtorch reads them. TorchSharp does not hold the <see cref="Scalar"/> that it makes of a number: a garbage collection on another
/// thread may free it too early, which ends in "Expected false to be true", or in a wrong number.
/// </summary>
internal static class HeldNumbers
{
    internal static readonly Scalar Zero = 0, True = true, Infinity = double.PositiveInfinity, MinusInfinity = double.NegativeInfinity;

    internal static Tensor Plus(this Tensor tensor, double number)
    {
        using Scalar held = number;
        return tensor.add(held);
    }

    internal static Tensor Times(this Tensor tensor, double factor)
    {
        using Scalar held = factor;
        return tensor.mul(held);
    }

    internal static Tensor Over(this Tensor tensor, double divisor)
    {
        using Scalar held = divisor;
        return tensor.div(held);
    }

    internal static Tensor AtLeast(this Tensor tensor, double least)
    {
        using Scalar held = least;
        return tensor.clamp_min(held);
    }

    internal static Tensor Full(long[] shape, double number, ScalarType dtype)
    {
        using Scalar held = number;
        return full(shape, held, dtype);
    }
}
