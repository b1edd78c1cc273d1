using static TorchSharp.torch;

namespace Workbook;

/// <summary>Symmetric positive definite matrices, in float64.</summary>
internal static class Positive
{
    /// <summary>Its lower Cholesky factor.</summary>
    /// <param name="matrix">[n, n].</param>
    /// <param name="fault">Says in one line what is wrong where it is singular.</param>
    internal static Tensor Factor(Tensor matrix, Func<string> fault)
    {
        (Tensor factor, Tensor info) = linalg.cholesky_ex(matrix, false);
        return info.count_nonzero().item<long>() == 0 && factor.isfinite().all().item<bool>() ? factor : throw new WorkbookException(fault());
    }

    internal static Tensor Inverse(Tensor matrix, Func<string> fault) => Factor(matrix, fault).cholesky_inverse();

    /// <summary>The matrix plus a number on its diagonal.</summary>
    internal static Tensor Damped(this Tensor matrix, double by) => matrix.Plus(eye(matrix.shape[^1], dtype: matrix.dtype).Times(by));
}
