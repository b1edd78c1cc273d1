using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Workbook;

/// <content>The gradients of the weights.</content>
internal static unsafe partial class Kernels
{
    /// <summary>Floats of a run that stay in the nearest cache while the weights of all rows go by.</summary>
    private const int Chunk = 1024;

    /// <summary>The gradients of the weights and biases: gradient of the row · input, summed over the run, are added to what is there.</summary>
    /// <param name="walk">The matrix.</param>
    /// <param name="scale">Floats that one of its steps is wide.</param>
    /// <param name="input">From here the steps count.</param>
    /// <param name="gradient">Of the output: where the run of the first row begins.</param>
    /// <param name="plane">Floats from a row of the gradient to the next.</param>
    /// <param name="valueGradients">One number a weight, in the walk's order.</param>
    /// <param name="biasGradients">One number a row.</param>
    /// <param name="run">Floats that each weight was multiplied with.</param>
    /// <param name="threads">At most so many.</param>
    /// <param name="width">Bits of the widest vector to use.</param>
    internal static void Gradients(Walk walk, int scale, float* input, float* gradient, int plane, float* valueGradients, float* biasGradients, int run,
        int threads, int width)
    {
        if (run > 0)
        {
            OverRows(walk, run, threads, (first, end) =>
            {
                fixed (int* starts = walk.Starts, at = walk.At)
                {
                    Steps steps = new(starts, at, scale, walk.Blocks, walk.Rows, first, end);
                    if (width >= 512 && run >= 16)
                    {
                        Gradients<Lanes512, Vector512<float>>(steps, input, gradient, plane, valueGradients, biasGradients, run);
                    }
                    else if (width >= 256 && run >= 8)
                    {
                        Gradients<Lanes256, Vector256<float>>(steps, input, gradient, plane, valueGradients, biasGradients, run);
                    }
                    else if (width >= 128 && run >= 4)
                    {
                        Gradients<Lanes128, Vector128<float>>(steps, input, gradient, plane, valueGradients, biasGradients, run);
                    }
                    else
                    {
                        ScalarGradients(steps, input, gradient, plane, valueGradients, biasGradients, run);
                    }
                }
            });
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<TLanes, TVector>(Steps steps, float* input, float* gradient, int plane, float* valueGradients, float* biasGradients, int run)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        int w = TLanes.Count, scale = steps.Scale;
        int* at = steps.At;
        for (int place = 0; place < run; place += Chunk)
        {
            Eights<TLanes, TVector>(steps, input + place, gradient + place, plane, valueGradients, Math.Min(Chunk, run - place));
        }

        for (int place = 0; place < run;)
        {
            int rest = run - place, tile = rest >= 8 * w ? 8 * w : rest >= 4 * w ? 4 * w : w, from = Math.Min(place, run - tile);
            float* x0 = input + from;
            for (int line = steps.First; line < steps.Blocks * steps.Rows; line++)
            {
                int row = line % steps.Rows, end = steps.Starts[line + 1], k = end - ((end - steps.Starts[line]) % 8);
                if (row < steps.First || row >= steps.End || (line >= steps.Rows && k == end))
                {
                    continue;
                }

                float* g = gradient + ((nint)row * plane) + from;
                if (tile == 8 * w)
                {
                    TVector g0 = TLanes.Load(g), g1 = TLanes.Load(g + w), g2 = TLanes.Load(g + (2 * w)), g3 = TLanes.Load(g + (3 * w));
                    TVector g4 = TLanes.Load(g + (4 * w)), g5 = TLanes.Load(g + (5 * w)), g6 = TLanes.Load(g + (6 * w)), g7 = TLanes.Load(g + (7 * w));
                    if (line < steps.Rows)
                    {
                        biasGradients[row] += TLanes.Sum(
                            TLanes.Add(TLanes.Add(TLanes.Add(g0, g1), TLanes.Add(g2, g3)), TLanes.Add(TLanes.Add(g4, g5), TLanes.Add(g6, g7))));
                    }

                    for (; k < end; k++)
                    {
                        float* x = x0 + ((nint)at[k] * scale);
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
                else if (tile == 4 * w)
                {
                    TVector g0 = TLanes.Load(g), g1 = TLanes.Load(g + w), g2 = TLanes.Load(g + (2 * w)), g3 = TLanes.Load(g + (3 * w));
                    if (line < steps.Rows)
                    {
                        biasGradients[row] += TLanes.Sum(TLanes.Add(TLanes.Add(g0, g1), TLanes.Add(g2, g3)));
                    }

                    for (; k < end; k++)
                    {
                        float* x = x0 + ((nint)at[k] * scale);
                        TVector even = TLanes.MultiplyAdd(g0, TLanes.Load(x), default), odd = TLanes.MultiplyAdd(g1, TLanes.Load(x + w), default);
                        even = TLanes.MultiplyAdd(g2, TLanes.Load(x + (2 * w)), even);
                        odd = TLanes.MultiplyAdd(g3, TLanes.Load(x + (3 * w)), odd);
                        valueGradients[k] += TLanes.Sum(TLanes.Add(even, odd));
                    }
                }
                else
                {
                    // The last tile reaches back; what was counted before is left out.
                    TVector g0 = TLanes.WithoutFirst(TLanes.Load(g), place - from);
                    if (line < steps.Rows)
                    {
                        biasGradients[row] += TLanes.Sum(g0);
                    }

                    for (; k < end; k++)
                    {
                        TVector x = TLanes.WithoutFirst(TLanes.Load(x0 + ((nint)at[k] * scale)), place - from);
                        valueGradients[k] += TLanes.Sum(TLanes.MultiplyAdd(g0, x, default));
                    }
                }
            }

            place = from + tile;
        }
    }

    /// <summary>The gradients of weights in eights of a row: their sums stay in registers while the run goes by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eights<TLanes, TVector>(Steps steps, float* input, float* gradient, int plane, float* valueGradients, int run)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        int w = TLanes.Count, scale = steps.Scale, whole = run - (run % w);
        int* at = steps.At;
        for (int line = steps.First; line < steps.Blocks * steps.Rows; line++)
        {
            int row = line % steps.Rows, end = steps.Starts[line + 1];
            if (row < steps.First || row >= steps.End)
            {
                continue;
            }

            float* g = gradient + ((nint)row * plane);
            for (int k = steps.Starts[line]; k + 8 <= end; k += 8)
            {
                float* x0 = input + ((nint)at[k] * scale), x1 = input + ((nint)at[k + 1] * scale), x2 = input + ((nint)at[k + 2] * scale);
                float* x3 = input + ((nint)at[k + 3] * scale), x4 = input + ((nint)at[k + 4] * scale), x5 = input + ((nint)at[k + 5] * scale);
                float* x6 = input + ((nint)at[k + 6] * scale), x7 = input + ((nint)at[k + 7] * scale);
                TVector s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
                for (nint i = 0; i < whole; i += w)
                {
                    TVector here = TLanes.Load(g + i);
                    s0 = TLanes.MultiplyAdd(here, TLanes.Load(x0 + i), s0);
                    s1 = TLanes.MultiplyAdd(here, TLanes.Load(x1 + i), s1);
                    s2 = TLanes.MultiplyAdd(here, TLanes.Load(x2 + i), s2);
                    s3 = TLanes.MultiplyAdd(here, TLanes.Load(x3 + i), s3);
                    s4 = TLanes.MultiplyAdd(here, TLanes.Load(x4 + i), s4);
                    s5 = TLanes.MultiplyAdd(here, TLanes.Load(x5 + i), s5);
                    s6 = TLanes.MultiplyAdd(here, TLanes.Load(x6 + i), s6);
                    s7 = TLanes.MultiplyAdd(here, TLanes.Load(x7 + i), s7);
                }

                float* to = valueGradients + k;
                (Vector128.Load(to) + TLanes.Sums(s0, s1, s2, s3)).Store(to);
                (Vector128.Load(to + 4) + TLanes.Sums(s4, s5, s6, s7)).Store(to + 4);
                for (int i = whole; i < run; i++)
                {
                    (to[0], to[1], to[2], to[3]) = (to[0] + (g[i] * x0[i]), to[1] + (g[i] * x1[i]), to[2] + (g[i] * x2[i]), to[3] + (g[i] * x3[i]));
                    (to[4], to[5], to[6], to[7]) = (to[4] + (g[i] * x4[i]), to[5] + (g[i] * x5[i]), to[6] + (g[i] * x6[i]), to[7] + (g[i] * x7[i]));
                }
            }
        }
    }
}
