using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Workbook;

/// <content>What a core does at most, by the vectors that the products use.</content>
internal static unsafe partial class Kernels
{
    /// <summary>Multiply-adds of numbers that stay in registers: twelve sums at a time hide the latency of each.</summary>
    /// <param name="rounds">Of twelve vectors.</param>
    /// <returns>Additions and multiplications done.</returns>
    internal static long MultiplyAdds(int rounds) => Widest switch
    {
        512 => MultiplyAdds<Lanes512, Vector512<float>>(rounds),
        256 => MultiplyAdds<Lanes256, Vector256<float>>(rounds),
        _ => MultiplyAdds<Lanes128, Vector128<float>>(rounds),
    };

    /// <summary>Reads memory once, and multiplies and adds what it reads, as the products do.</summary>
    /// <param name="from">Its start.</param>
    /// <param name="count">Floats, a multiple of 128.</param>
    /// <returns>Their sum.</returns>
    internal static float Read(float* from, nint count) => Widest switch
    {
        512 => Read<Lanes512, Vector512<float>>(from, count),
        256 => Read<Lanes256, Vector256<float>>(from, count),
        _ => Read<Lanes128, Vector128<float>>(from, count),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long MultiplyAdds<TLanes, TVector>(int rounds)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        // Each sum goes towards 2: neither infinite nor so small that the hardware slows.
        TVector half = TLanes.Broadcast(0.5f), one = TLanes.Broadcast(1);
        TVector s0 = one, s1 = one, s2 = one, s3 = one, s4 = one, s5 = one, s6 = one, s7 = one, s8 = one, s9 = one, s10 = one, s11 = one;
        for (int i = 0; i < rounds; i++)
        {
            s0 = TLanes.MultiplyAdd(s0, half, one);
            s1 = TLanes.MultiplyAdd(s1, half, one);
            s2 = TLanes.MultiplyAdd(s2, half, one);
            s3 = TLanes.MultiplyAdd(s3, half, one);
            s4 = TLanes.MultiplyAdd(s4, half, one);
            s5 = TLanes.MultiplyAdd(s5, half, one);
            s6 = TLanes.MultiplyAdd(s6, half, one);
            s7 = TLanes.MultiplyAdd(s7, half, one);
            s8 = TLanes.MultiplyAdd(s8, half, one);
            s9 = TLanes.MultiplyAdd(s9, half, one);
            s10 = TLanes.MultiplyAdd(s10, half, one);
            s11 = TLanes.MultiplyAdd(s11, half, one);
        }

        TVector sum = TLanes.Add(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)), TLanes.Add(TLanes.Add(s4, s5), TLanes.Add(s6, s7)));
        sum = TLanes.Add(sum, TLanes.Add(TLanes.Add(s8, s9), TLanes.Add(s10, s11)));
        // The sums are used, else the loop could go.
        return TLanes.Sum(sum) > 0 ? 12L * 2 * TLanes.Count * rounds : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Read<TLanes, TVector>(float* from, nint count)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        int w = TLanes.Count;
        TVector one = TLanes.Broadcast(1), s0 = TLanes.Broadcast(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        for (float* x = from, end = from + count; x < end; x += 8 * w)
        {
            s0 = TLanes.MultiplyAdd(one, TLanes.Load(x), s0);
            s1 = TLanes.MultiplyAdd(one, TLanes.Load(x + w), s1);
            s2 = TLanes.MultiplyAdd(one, TLanes.Load(x + (2 * w)), s2);
            s3 = TLanes.MultiplyAdd(one, TLanes.Load(x + (3 * w)), s3);
            s4 = TLanes.MultiplyAdd(one, TLanes.Load(x + (4 * w)), s4);
            s5 = TLanes.MultiplyAdd(one, TLanes.Load(x + (5 * w)), s5);
            s6 = TLanes.MultiplyAdd(one, TLanes.Load(x + (6 * w)), s6);
            s7 = TLanes.MultiplyAdd(one, TLanes.Load(x + (7 * w)), s7);
        }

        return TLanes.Sum(TLanes.Add(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)), TLanes.Add(TLanes.Add(s4, s5), TLanes.Add(s6, s7))));
    }
}
