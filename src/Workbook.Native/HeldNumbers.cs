using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Numbers that stay while libtorch reads them. TorchSharp does not hold the <see cref="Scalar"/> that it makes of a number, nor those that it adds itself (the
/// factor 1 of a sum, the 2 of a square): a garbage collection on another thread may free it too early, which ends in "Expected false to be true", or in a
/// wrong number.
/// </summary>
internal static class HeldNumbers
{
    internal static readonly Scalar Zero = 0, One = 1, MinusTwo = -2, True = true, Infinity = double.PositiveInfinity, MinusInfinity = double.NegativeInfinity;

    internal static Tensor Plus(this Tensor tensor, double number) => With(number, held => tensor.add(held, One));

    internal static Tensor Plus(this Tensor tensor, Tensor other) => tensor.add(other, One);

    internal static Tensor Times(this Tensor tensor, double factor) => With(factor, tensor.mul);

    internal static Tensor Over(this Tensor tensor, double divisor) => With(divisor, held => tensor.div(held));

    internal static Tensor AtLeast(this Tensor tensor, double least) => With(least, tensor.clamp_min);

    internal static Tensor Full(long[] shape, double number, ScalarType dtype) => With(number, held => full(shape, held, dtype));

    internal static Tensor Squared(this Tensor tensor) => tensor.mul(tensor);

    /// <summary>The norm along dimensions, of any order.</summary>
    internal static Tensor NormOf(this Tensor tensor, double order, long[] dims) => order switch
    {
        double.PositiveInfinity => tensor.abs().amax(dims),
        double.NegativeInfinity => tensor.abs().amin(dims),
        0 => tensor.ne(Zero).sum(dims).to(tensor.dtype),
        1 => tensor.abs().sum(dims),
        2 => tensor.Squared().sum(dims).sqrt(),
        _ => With(1 / order, root => With(order, power => tensor.abs().pow(power)).sum(dims).pow(root)),
    };

    private static Tensor With(double number, Func<Scalar, Tensor> operation)
    {
        using Scalar held = number;
        return operation(held);
    }
}
