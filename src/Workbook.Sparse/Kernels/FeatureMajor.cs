using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Tensors [batch, features] whose memory is [features][batch]: strides (1, batch). Element-wise operations keep such
/// strides, so that between sparse layers nothing is rearranged.
/// </summary>
internal static unsafe class FeatureMajor
{
    /// <summary>A tensor [batch, features] over feature-major memory, and no view: activations may work on it in place.</summary>
    internal static Tensor Empty(long batch, long features) => empty_strided([batch, features], [1, Math.Max(batch, 1)], ScalarType.Float32);

    /// <summary>The memory [features][batch] of a tensor [batch, features]: its own, or a rearranged copy.</summary>
    /// <returns>Contiguous [features, batch]; the caller disposes it.</returns>
    internal static Tensor Of(Tensor tensor)
    {
        Tensor transposed = tensor.t();
        if (transposed.is_contiguous())
        {
            return transposed;
        }

        transposed.Dispose();
        using Tensor rows = tensor.contiguous();
        Tensor memory = empty(tensor.shape[1], tensor.shape[0], ScalarType.Float32);
        Transpose(Pointer(rows), (nint)tensor.shape[1], Pointer(memory), (nint)tensor.shape[0], (int)tensor.shape[0], (int)tensor.shape[1]);
        return memory;
    }

    /// <summary>Where the memory of a contiguous tensor begins; good while the tensor lives.</summary>
    internal static float* Pointer(Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>[rows][columns] → [columns][rows].</summary>
    /// <param name="from">The first row.</param>
    /// <param name="fromStride">Floats from a row to the next.</param>
    /// <param name="to">The first column.</param>
    /// <param name="toStride">Floats from a column to the next.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Transpose(float* from, nint fromStride, float* to, nint toStride, int rows, int columns)
    {
        if ((rows == 1 && toStride == 1) || (columns == 1 && fromStride == 1))
        {
            new ReadOnlySpan<float>(from, rows * columns).CopyTo(new(to, rows * columns));
            return;
        }

        int wholeRows = Avx.IsSupported ? rows & ~7 : 0, wholeColumns = Avx.IsSupported ? columns & ~7 : 0;
        for (int c = 0; c < wholeColumns; c += 8)
        {
            for (int r = 0; r < wholeRows; r += 8)
            {
                Transpose8(from + (r * fromStride) + c, fromStride, to + (c * toStride) + r, toStride);
            }
        }

        Rest(0, wholeRows, wholeColumns, columns);
        Rest(wholeRows, rows, 0, columns);

        void Rest(int firstRow, int endRow, int firstColumn, int endColumn)
        {
            // In squares, so that the lines of both sides stay in the cache.
            for (int r0 = firstRow; r0 < endRow; r0 += 16)
            {
                for (int c0 = firstColumn; c0 < endColumn; c0 += 16)
                {
                    for (int c = c0; c < Math.Min(c0 + 16, endColumn); c++)
                    {
                        for (int r = r0; r < Math.Min(r0 + 16, endRow); r++)
                        {
                            to[(c * toStride) + r] = from[(r * fromStride) + c];
                        }
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8(float* from, nint fromStride, float* to, nint toStride)
    {
        Vector256<float> a0 = Avx.LoadVector256(from), a1 = Avx.LoadVector256(from + fromStride);
        Vector256<float> a2 = Avx.LoadVector256(from + (2 * fromStride)), a3 = Avx.LoadVector256(from + (3 * fromStride));
        Vector256<float> a4 = Avx.LoadVector256(from + (4 * fromStride)), a5 = Avx.LoadVector256(from + (5 * fromStride));
        Vector256<float> a6 = Avx.LoadVector256(from + (6 * fromStride)), a7 = Avx.LoadVector256(from + (7 * fromStride));
        Vector256<float> b0 = Avx.UnpackLow(a0, a1), b1 = Avx.UnpackHigh(a0, a1), b2 = Avx.UnpackLow(a2, a3), b3 = Avx.UnpackHigh(a2, a3);
        Vector256<float> b4 = Avx.UnpackLow(a4, a5), b5 = Avx.UnpackHigh(a4, a5), b6 = Avx.UnpackLow(a6, a7), b7 = Avx.UnpackHigh(a6, a7);
        a0 = Avx.Shuffle(b0, b2, 0x44);
        a1 = Avx.Shuffle(b0, b2, 0xEE);
        a2 = Avx.Shuffle(b1, b3, 0x44);
        a3 = Avx.Shuffle(b1, b3, 0xEE);
        a4 = Avx.Shuffle(b4, b6, 0x44);
        a5 = Avx.Shuffle(b4, b6, 0xEE);
        a6 = Avx.Shuffle(b5, b7, 0x44);
        a7 = Avx.Shuffle(b5, b7, 0xEE);
        Avx.Permute2x128(a0, a4, 0x20).Store(to);
        Avx.Permute2x128(a1, a5, 0x20).Store(to + toStride);
        Avx.Permute2x128(a2, a6, 0x20).Store(to + (2 * toStride));
        Avx.Permute2x128(a3, a7, 0x20).Store(to + (3 * toStride));
        Avx.Permute2x128(a0, a4, 0x31).Store(to + (4 * toStride));
        Avx.Permute2x128(a1, a5, 0x31).Store(to + (5 * toStride));
        Avx.Permute2x128(a2, a6, 0x31).Store(to + (6 * toStride));
        Avx.Permute2x128(a3, a7, 0x31).Store(to + (7 * toStride));
    }
}
