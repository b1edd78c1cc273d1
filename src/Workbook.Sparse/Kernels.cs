using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Workbook;

/// <summary>
/// Products with a compressed matrix. Activations are feature-major, [features][batch]: each weight is multiplied with
/// a contiguous run of the batch, and the sums of a row stay in registers while its weights go by. Compiled at full
/// optimization from the first call on: what <see cref="Sparse.Convert"/> measures there is what stays.
/// </summary>
internal static unsafe partial class Kernels
{
    /// <summary>Below this many multiplications a second thread costs more than it brings.</summary>
    private const long WorthAThread = 500_000;

    /// <summary>Bits of the widest vector of this machine that is fast; 0 without any.</summary>
    internal static readonly int Widest = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128
        : 0;

    /// <summary>output[row] = bias[row] + Σ values · input[column], over the batch.</summary>
    /// <param name="pattern">The matrix.</param>
    /// <param name="values">Its weights.</param>
    /// <param name="bias">One number a row, or null.</param>
    /// <param name="input">[columns][batch].</param>
    /// <param name="output">[rows][batch]; overwritten.</param>
    /// <param name="batch">Examples.</param>
    /// <param name="threads">At most so many.</param>
    /// <param name="width">Bits of the widest vector to use.</param>
    internal static void Product(Csr pattern, float* values, float* bias, float* input, float* output, int batch, int threads, int width)
    {
        if (batch > 0)
        {
            OverRows(pattern, batch, threads, (first, end) =>
            {
                fixed (int* starts = pattern.Starts, column = pattern.Column)
                {
                    // Four registers of sums hide the latency of a multiply-add, so 32 examples go as four of 8, not two of 16.
                    if (width >= 512 && batch is >= 64 or (>= 16 and < 32))
                    {
                        Product<Lanes512, Vector512<float>>(starts, column, values, bias, input, output, batch, first, end);
                    }
                    else if (width >= 256 && batch >= 8)
                    {
                        Product<Lanes256, Vector256<float>>(starts, column, values, bias, input, output, batch, first, end);
                    }
                    else if (width >= 128 && batch >= 4)
                    {
                        Product<Lanes128, Vector128<float>>(starts, column, values, bias, input, output, batch, first, end);
                    }
                    else if (batch == 1)
                    {
                        SingleProduct(starts, column, values, bias, input, output, first, end);
                    }
                    else
                    {
                        ScalarProduct(starts, column, values, bias, input, output, batch, first, end);
                    }
                }
            });
        }
    }

    /// <summary>The gradients of the weights and biases: valueGradients = gradient of the row · input[column], summed over the batch.</summary>
    /// <param name="pattern">The matrix.</param>
    /// <param name="input">[columns][batch].</param>
    /// <param name="gradient">Of the output, [rows][batch].</param>
    /// <param name="valueGradients">One number a weight; overwritten.</param>
    /// <param name="biasGradients">One number a row; overwritten.</param>
    /// <param name="batch">Examples.</param>
    /// <param name="threads">At most so many.</param>
    /// <param name="width">Bits of the widest vector to use.</param>
    internal static void Gradients(Csr pattern, float* input, float* gradient, float* valueGradients, float* biasGradients, int batch, int threads, int width)
    {
        new Span<float>(valueGradients, pattern.Column.Length).Clear();
        new Span<float>(biasGradients, pattern.Rows).Clear();
        if (batch > 0)
        {
            OverRows(pattern, batch, threads, (first, end) =>
            {
                fixed (int* starts = pattern.Starts, column = pattern.Column)
                {
                    if (width >= 512 && batch >= 16)
                    {
                        Gradients<Lanes512, Vector512<float>>(starts, column, input, gradient, valueGradients, biasGradients, batch, first, end);
                    }
                    else if (width >= 256 && batch >= 8)
                    {
                        Gradients<Lanes256, Vector256<float>>(starts, column, input, gradient, valueGradients, biasGradients, batch, first, end);
                    }
                    else if (width >= 128 && batch >= 4)
                    {
                        Gradients<Lanes128, Vector128<float>>(starts, column, input, gradient, valueGradients, biasGradients, batch, first, end);
                    }
                    else
                    {
                        ScalarGradients(starts, column, input, gradient, valueGradients, biasGradients, batch, first, end);
                    }
                }
            });
        }
    }

    /// <summary>Ranges of rows with about as many weights each, one a thread.</summary>
    private static void OverRows(Csr pattern, int batch, int threads, Action<int, int> body)
    {
        int parts = (int)Math.Clamp((long)pattern.Column.Length * batch / WorthAThread, 1, Math.Min(threads, Math.Max(pattern.Rows, 1)));
        if (parts == 1)
        {
            body(0, pattern.Rows);
            return;
        }

        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part => body(Bound(part), Bound(part + 1)));

        int Bound(int part)
        {
            int at = Array.BinarySearch(pattern.Starts, (int)((long)pattern.Column.Length * part / parts));
            return part == parts ? pattern.Rows : part == 0 ? 0 : Math.Min(at < 0 ? ~at : at, pattern.Rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TLanes, TVector>(int* starts, int* column, float* values, float* bias, float* input, float* output, int batch, int first,
        int end)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        // What is left at the end goes in a block that reaches back: some sums are then made twice, the same both times.
        int w = TLanes.Count;
        for (int lane = 0; lane < batch;)
        {
            int rest = batch - lane, block = batch >= 8 * w && rest > 4 * w ? 8 * w : batch >= 4 * w ? 4 * w : w, at = Math.Min(lane, batch - block);
            for (int row = first; row < end; row++)
            {
                TVector start = TLanes.Broadcast(bias is null ? 0 : bias[row]);
                float* to = output + ((nint)row * batch) + at;
                if (block == 8 * w)
                {
                    TVector s0 = start, s1 = start, s2 = start, s3 = start, s4 = start, s5 = start, s6 = start, s7 = start;
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        float* x = input + ((nint)column[k] * batch) + at;
                        TVector value = TLanes.Broadcast(values[k]);
                        s0 = TLanes.MultiplyAdd(value, TLanes.Load(x), s0);
                        s1 = TLanes.MultiplyAdd(value, TLanes.Load(x + w), s1);
                        s2 = TLanes.MultiplyAdd(value, TLanes.Load(x + (2 * w)), s2);
                        s3 = TLanes.MultiplyAdd(value, TLanes.Load(x + (3 * w)), s3);
                        s4 = TLanes.MultiplyAdd(value, TLanes.Load(x + (4 * w)), s4);
                        s5 = TLanes.MultiplyAdd(value, TLanes.Load(x + (5 * w)), s5);
                        s6 = TLanes.MultiplyAdd(value, TLanes.Load(x + (6 * w)), s6);
                        s7 = TLanes.MultiplyAdd(value, TLanes.Load(x + (7 * w)), s7);
                    }

                    TLanes.Store(s0, to);
                    TLanes.Store(s1, to + w);
                    TLanes.Store(s2, to + (2 * w));
                    TLanes.Store(s3, to + (3 * w));
                    TLanes.Store(s4, to + (4 * w));
                    TLanes.Store(s5, to + (5 * w));
                    TLanes.Store(s6, to + (6 * w));
                    TLanes.Store(s7, to + (7 * w));
                }
                else if (block == 4 * w)
                {
                    TVector s0 = start, s1 = start, s2 = start, s3 = start;
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        float* x = input + ((nint)column[k] * batch) + at;
                        TVector value = TLanes.Broadcast(values[k]);
                        s0 = TLanes.MultiplyAdd(value, TLanes.Load(x), s0);
                        s1 = TLanes.MultiplyAdd(value, TLanes.Load(x + w), s1);
                        s2 = TLanes.MultiplyAdd(value, TLanes.Load(x + (2 * w)), s2);
                        s3 = TLanes.MultiplyAdd(value, TLanes.Load(x + (3 * w)), s3);
                    }

                    TLanes.Store(s0, to);
                    TLanes.Store(s1, to + w);
                    TLanes.Store(s2, to + (2 * w));
                    TLanes.Store(s3, to + (3 * w));
                }
                else
                {
                    TVector sum = start;
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        sum = TLanes.MultiplyAdd(TLanes.Broadcast(values[k]), TLanes.Load(input + ((nint)column[k] * batch) + at), sum);
                    }

                    TLanes.Store(sum, to);
                }
            }

            lane = at + block;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<TLanes, TVector>(int* starts, int* column, float* input, float* gradient, float* valueGradients, float* biasGradients,
        int batch, int first, int end)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        int w = TLanes.Count;
        for (int lane = 0; lane < batch;)
        {
            int rest = batch - lane, block = rest >= 8 * w ? 8 * w : rest >= 4 * w ? 4 * w : w, at = Math.Min(lane, batch - block);
            for (int row = first; row < end; row++)
            {
                float* g = gradient + ((nint)row * batch) + at;
                if (block == 8 * w)
                {
                    TVector g0 = TLanes.Load(g), g1 = TLanes.Load(g + w), g2 = TLanes.Load(g + (2 * w)), g3 = TLanes.Load(g + (3 * w));
                    TVector g4 = TLanes.Load(g + (4 * w)), g5 = TLanes.Load(g + (5 * w)), g6 = TLanes.Load(g + (6 * w)), g7 = TLanes.Load(g + (7 * w));
                    biasGradients[row] += TLanes.Sum(
                        TLanes.Add(TLanes.Add(TLanes.Add(g0, g1), TLanes.Add(g2, g3)), TLanes.Add(TLanes.Add(g4, g5), TLanes.Add(g6, g7))));
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        float* x = input + ((nint)column[k] * batch) + at;
                        TVector even = TLanes.MultiplyAdd(g0, TLanes.Load(x), default), odd = TLanes.MultiplyAdd(g1, TLanes.Load(x + w), default);
                        even = TLanes.MultiplyAdd(g2, TLanes.Load(x + (2 * w)), even);
                        odd = TLanes.MultiplyAdd(g3, TLanes.Load(x + (3 * w)), odd);
                        even = TLanes.MultiplyAdd(g4, TLanes.Load(x + (4 * w)), even);
                        odd = TLanes.MultiplyAdd(g5, TLanes.Load(x + (5 * w)), odd);
                        even = TLanes.MultiplyAdd(g6, TLanes.Load(x + (6 * w)), even);
                        odd = TLanes.MultiplyAdd(g7, TLanes.Load(x + (7 * w)), odd);
                        valueGradients[k] += TLanes.Sum(TLanes.Add(even, odd));
                    }
                }
                else if (block == 4 * w)
                {
                    TVector g0 = TLanes.Load(g), g1 = TLanes.Load(g + w), g2 = TLanes.Load(g + (2 * w)), g3 = TLanes.Load(g + (3 * w));
                    biasGradients[row] += TLanes.Sum(TLanes.Add(TLanes.Add(g0, g1), TLanes.Add(g2, g3)));
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        float* x = input + ((nint)column[k] * batch) + at;
                        TVector even = TLanes.MultiplyAdd(g0, TLanes.Load(x), default), odd = TLanes.MultiplyAdd(g1, TLanes.Load(x + w), default);
                        even = TLanes.MultiplyAdd(g2, TLanes.Load(x + (2 * w)), even);
                        odd = TLanes.MultiplyAdd(g3, TLanes.Load(x + (3 * w)), odd);
                        valueGradients[k] += TLanes.Sum(TLanes.Add(even, odd));
                    }
                }
                else
                {
                    // The last block reaches back; what was counted before is left out.
                    TVector g0 = TLanes.WithoutFirst(TLanes.Load(g), lane - at);
                    biasGradients[row] += TLanes.Sum(g0);
                    for (int k = starts[row]; k < starts[row + 1]; k++)
                    {
                        TVector x = TLanes.WithoutFirst(TLanes.Load(input + ((nint)column[k] * batch) + at), lane - at);
                        valueGradients[k] += TLanes.Sum(TLanes.MultiplyAdd(g0, x, default));
                    }
                }
            }

            lane = at + block;
        }
    }
}
