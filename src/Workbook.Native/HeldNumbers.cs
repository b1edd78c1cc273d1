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

    internal static Tensor Plus(this Tensor tensor, double number) => With(number, tensor.add);

    internal static Tensor Times(this Tensor tensor, double factor) => With(factor, tensor.mul);

    internal static Tensor Over(this Tensor tensor, double divisor) => With(divisor, held => tensor.div(held));

    internal static Tensor AtLeast(this Tensor tensor, double least) => With(least, tensor.clamp_min);

    internal static Tensor Full(long[] shape, double number, ScalarType dtype) => With(number, held => full(shape, held, dtype));

    private static Tensor With(double number, Func<Scalar, Tensor> operation)
    {
        using Scalar held = number;
        return operation(held);
    }
}
