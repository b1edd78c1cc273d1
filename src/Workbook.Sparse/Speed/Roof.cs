using System.Runtime.InteropServices;

namespace Workbook;

/// <summary>What one core of this machine multiplies and reads at most: the lines of a roofline (Williams, Waterman and Patterson 2009).</summary>
/// <param name="Peak">10⁹ additions and multiplications a second, as multiply-adds of the vectors that sparse layers use.</param>
/// <param name="Readings">What is read over and over, of rising sizes: from the nearest cache, the next ones, and memory.</param>
public sealed record Roof(double Peak, IReadOnlyList<Reading> Readings)
{
    private const int Rounds = 20_000;

    /// <summary>So many floats are read in a turn at least, some 0.1 ms.</summary>
    private const int LeastFloats = 1 << 20;
    private static readonly long[] s_sizes = [16L << 10, 256L << 10, 4L << 20, 128L << 20];
    private static readonly TimeSpan s_time = TimeSpan.FromMilliseconds(40);

    /// <summary>Measures for some 0.3 s, on the thread that calls: of many turns the fastest, as other work only slows.</summary>
    public static unsafe Roof Measure()
    {
        long done = 0;
        double seconds = Turns.Fastest(() => done = Kernels.MultiplyAdds(Rounds), s_time);
        float* memory = (float*)NativeMemory.AlignedAlloc((nuint)s_sizes[^1], 64);
        try
        {
            new Span<float>(memory, (int)(s_sizes[^1] / sizeof(float))).Fill(1); // pages are there once they are written
            nint from = (nint)memory;
            return new(done / seconds / 1e9, [.. s_sizes.Select(bytes => new Reading(bytes, Bandwidth((float*)from, bytes)))]);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>10⁹ bytes a second that are read of something of a size: between the sizes that were measured, by their logarithms.</summary>
    /// <param name="bytes">How large all is together that is read again and again.</param>
    public double Bandwidth(long bytes)
    {
        int next = Enumerable.Range(0, Readings.Count).FirstOrDefault(i => Readings[i].Bytes >= bytes, Readings.Count);
        if (next == 0 || next == Readings.Count)
        {
            return Readings[Math.Min(next, Readings.Count - 1)].Bandwidth;
        }

        (Reading below, Reading above) = (Readings[next - 1], Readings[next]);
        double part = Math.Log((double)bytes / below.Bytes) / Math.Log((double)above.Bytes / below.Bytes);
        return below.Bandwidth * Math.Pow(above.Bandwidth / below.Bandwidth, part);
    }

    /// <summary>10⁹ additions and multiplications a second that are possible: at most the peak, and what the bytes for them take to arrive.</summary>
    /// <param name="intensity">Additions and multiplications a byte.</param>
    /// <param name="bytes">How large all is together that is read and written.</param>
    public double Limit(double intensity, long bytes) => Math.Min(Peak, intensity * Bandwidth(bytes));

    private static unsafe double Bandwidth(float* memory, long bytes)
    {
        nint floats = (nint)(bytes / sizeof(float));
        long passes = Math.Max(1, LeastFloats / floats);
        double seconds = Turns.Fastest(
            () =>
            {
                for (long pass = 0; pass < passes; pass++)
                {
                    Kernels.Read(memory, floats);
                }
            },
            s_time);
        return passes * bytes / seconds / 1e9;
    }
}

/// <summary>How fast something is read over and over.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="Bandwidth">10⁹ bytes a second.</param>
public readonly record struct Reading(long Bytes, double Bandwidth);
