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

    /// <summary>output[row] = bias[row] + Σ values · input, over a contiguous run of each: a batch, or the places of a plane.</summary>
    /// <param name="walk">The matrix.</param>
    /// <param name="scale">Floats that one of its steps is wide.</param>
    /// <param name="values">Its weights, in its order.</param>
    /// <param name="bias">One number a row, or null.</param>
    /// <param name="input">From here the steps count.</param>
    /// <param name="output">Where the run of the first row begins; overwritten.</param>
    /// <param name="plane">Floats from a row of the output to the next.</param>
    /// <param name="run">Floats that each weight is multiplied with.</param>
    /// <param name="threads">At most so many.</param>
    /// <param name="width">Bits of the widest vector to use.</param>
    internal static void Product(Walk walk, int scale, float* values, float* bias, float* input, float* output, int plane, int run, int threads, int width)
    {
        if (run > 0)
        {
            OverRows(walk, run, threads, (first, end) =>
            {
                fixed (int* starts = walk.Starts, at = walk.At)
                {
                    Steps steps = new(starts, at, scale, walk.Blocks, walk.Rows, first, end);
                    // Four registers of sums hide the latency of a multiply-add, so 32 examples go as four of 8, not two of 16.
                    if (width >= 512 && run is >= 64 or (>= 16 and < 32))
                    {
                        Product<Lanes512, Vector512<float>>(steps, values, bias, input, output, plane, run);
                    }
                    else if (width >= 256 && run >= 8)
                    {
                        Product<Lanes256, Vector256<float>>(steps, values, bias, input, output, plane, run);
                    }
                    else if (width >= 128 && run >= 4)
                    {
                        Product<Lanes128, Vector128<float>>(steps, values, bias, input, output, plane, run);
                    }
                    else if (run == 1 && walk.Blocks == 1)
                    {
                        SingleProduct(steps, values, bias, input, output, plane);
                    }
                    else
                    {
                        ScalarProduct(steps, values, bias, input, output, plane, run);
                    }
                }
            });
        }
    }

    /// <summary>Ranges of rows with about as many weights each, one a thread.</summary>
    private static void OverRows(Walk walk, int run, int threads, Action<int, int> body)
    {
        int parts = (int)Math.Clamp((long)walk.At.Length * run / WorthAThread, 1, Math.Min(threads, Math.Max(walk.Rows, 1)));
        if (parts == 1)
        {
            body(0, walk.Rows);
            return;
        }

        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part => body(Bound(part), Bound(part + 1)));

        int Bound(int part)
        {
            if (part == parts || part == 0 || walk.Blocks > 1)
            {
                return (int)((long)walk.Rows * part / parts);
            }

            int at = Array.BinarySearch(walk.Starts, (int)((long)walk.At.Length * part / parts));
            return Math.Min(at < 0 ? ~at : at, walk.Rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TLanes, TVector>(Steps steps, float* values, float* bias, float* input, float* output, int plane, int run)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        // What is left at the end goes in a tile that reaches back: some sums are then made twice, the same both times.
        int w = TLanes.Count, scale = steps.Scale;
        int* at = steps.At;
        for (int place = 0; place < run;)
        {
            int rest = run - place, tile = run >= 8 * w && rest > 4 * w ? 8 * w : run >= 4 * w ? 4 * w : w, from = Math.Min(place, run - tile);
            float* x0 = input + from;
            for (int block = 0; block < steps.Blocks; block++)
            {
                for (int row = steps.First; row < steps.End; row++)
                {
                    int k = steps.Starts[(block * steps.Rows) + row], end = steps.Starts[(block * steps.Rows) + row + 1];
                    float* to = output + ((nint)row * plane) + from;
                    if (block > 0 && k == end)
                    {
                        continue;
                    }

                    TVector start = TLanes.Broadcast(bias is null ? 0 : bias[row]);
                    if (tile == 8 * w)
                    {
                        TVector s0 = start, s1 = start, s2 = start, s3 = start, s4 = start, s5 = start, s6 = start, s7 = start;
                        if (block > 0)
                        {
                            (s0, s1, s2, s3) = (TLanes.Load(to), TLanes.Load(to + w), TLanes.Load(to + (2 * w)), TLanes.Load(to + (3 * w)));
                            (s4, s5) = (TLanes.Load(to + (4 * w)), TLanes.Load(to + (5 * w)));
                            (s6, s7) = (TLanes.Load(to + (6 * w)), TLanes.Load(to + (7 * w)));
                        }

                        for (; k < end; k++)
                        {
                            float* x = x0 + ((nint)at[k] * scale);
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
                    else if (tile == 4 * w)
                    {
                        TVector s0 = start, s1 = start, s2 = start, s3 = start;
                        if (block > 0)
                        {
                            (s0, s1, s2, s3) = (TLanes.Load(to), TLanes.Load(to + w), TLanes.Load(to + (2 * w)), TLanes.Load(to + (3 * w)));
                        }

                        for (; k < end; k++)
                        {
                            float* x = x0 + ((nint)at[k] * scale);
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
                        TVector sum = block > 0 ? TLanes.Load(to) : start;
                        for (; k < end; k++)
                        {
                            sum = TLanes.MultiplyAdd(TLanes.Broadcast(values[k]), TLanes.Load(x0 + ((nint)at[k] * scale)), sum);
                        }

                        TLanes.Store(sum, to);
                    }
                }
            }

            place = from + tile;
        }
    }
}
