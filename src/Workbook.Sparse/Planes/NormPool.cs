using System.Numerics;
using System.Runtime.CompilerServices;

namespace Workbook;

/// <summary>Planes in memory, framed by zeros as <see cref="Planes"/> says: where everything lies.</summary>
internal readonly record struct PlaneSize(int Groups, int Channels, int Height, int Width, int Lanes)
{
    /// <summary>Floats from a row to the next.</summary>
    internal int Row => (Width + 1) * Lanes;

    /// <summary>Floats in all.</summary>
    internal long Floats => (long)Groups * (Channels + 1) * (Height + 1) * Row;

    /// <summary>Numbers that a channel has.</summary>
    internal double Places => (double)Groups * Height * Width * Lanes;

    /// <summary>The size after pooling 2×2, with the same channels.</summary>
    internal PlaneSize Halved => this with { Height = Height / 2, Width = Width / 2 };

    /// <summary>Floats before the first place of a channel.</summary>
    internal nint First(int group, int channel) => ((((((nint)group * (Channels + 1)) + channel) * (Height + 1)) + 1) * Row) + Lanes;
}

/// <summary>
/// Batch norm with its factor and shift in hand, ReLU and, where asked for, the greatest of 2×2, over <see cref="Planes"/>, one channel at a time: nothing
/// between them is written, and of the gradient only what reaches the input. Lanes are a multiple of a vector's.
/// </summary>
/// <remarks>No number may be NaN: <see cref="Vector.MaxNative{T}"/> would lose it.</remarks>
internal static unsafe class NormPool
{
    /// <summary>output = pool(max(0, factor · input + shift)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Forward(float* input, float* output, PlaneSize size, int channel, float factor, float shift, bool pools)
    {
        PlaneSize small = pools ? size.Halved : size;
        Vector<float> f = new(factor), s = new(shift), zero = Vector<float>.Zero;
        for (int g = 0; g < size.Groups; g++)
        {
            float* from = input + size.First(g, channel), to = output + small.First(g, channel);
            for (int y = 0; y < small.Height; y++, to += small.Row)
            {
                float* x = from + ((nint)y * (pools ? 2 * size.Row : size.Row));
                for (int i = 0; i < small.Width * size.Lanes; i += Vector<float>.Count)
                {
                    if (pools)
                    {
                        float* at = At(x, i, size.Lanes);
                        Window w = new(at, size, f, s);
                        Vector.Store(w.Greatest, to + i);
                    }
                    else
                    {
                        Vector.Store(Vector.MaxNative(zero, Vector.MultiplyAddEstimate(Vector.Load(x + i), f, s)), to + i);
                    }
                }
            }
        }
    }

    /// <summary>Σ d and Σ d · (input − mean), d the gradient of factor · input + shift.</summary>
    /// <param name="input">What was normalized.</param>
    /// <param name="output">What <see cref="Forward"/> gave.</param>
    /// <param name="gradient">Of the output.</param>
    /// <param name="size">Of the input.</param>
    /// <param name="channel">Which.</param>
    /// <param name="norm">Mean of the channel, and the factor and shift that <see cref="Forward"/> had.</param>
    /// <param name="pools">Whether it pooled.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (double D, double DX) Sums(float* input, float* output, float* gradient, PlaneSize size, int channel,
        (float Mean, float Factor, float Shift) norm, bool pools)
    {
        PlaneSize small = pools ? size.Halved : size;
        Vector<float> f = new(norm.Factor), s = new(norm.Shift), mean = new(norm.Mean);
        double sum = 0, product = 0;
        for (int g = 0; g < size.Groups; g++)
        {
            nint place = small.First(g, channel);
            float* from = input + size.First(g, channel), greatest = output + place, outer = gradient + place;
            for (int y = 0; y < small.Height; y++, greatest += small.Row, outer += small.Row)
            {
                float* x = from + ((nint)y * (pools ? 2 * size.Row : size.Row));
                Vector<float> d = default, dx = default;
                for (int i = 0; i < small.Width * size.Lanes; i += Vector<float>.Count)
                {
                    Vector<float> most = Vector.Load(greatest + i);
                    Vector<float> here = Vector.Load(outer + i) & Vector.GreaterThan(most, Vector<float>.Zero).As<int, float>();
                    Vector<float> chosen = pools ? new Window(At(x, i, size.Lanes), size, f, s).InputAt(most) : Vector.Load(x + i);
                    d += here;
                    dx += here * (chosen - mean);
                }

                sum += Vector.Sum(d);
                product += Vector.Sum(dx);
            }
        }

        return (sum, product);
    }

    /// <summary>result = ofGradient · d + ofInput · input + constant, d the gradient of factor · input + shift.</summary>
    /// <param name="input">What was normalized.</param>
    /// <param name="output">What <see cref="Forward"/> gave.</param>
    /// <param name="gradient">Of the output.</param>
    /// <param name="result">The gradient of the input.</param>
    /// <param name="size">Of the input.</param>
    /// <param name="channel">Which.</param>
    /// <param name="norm">The factor and shift that <see cref="Forward"/> had.</param>
    /// <param name="by">What the three are multiplied by.</param>
    /// <param name="pools">Whether it pooled.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward(float* input, float* output, float* gradient, float* result, PlaneSize size, int channel, (float Factor, float Shift) norm,
        (float OfGradient, float OfInput, float Constant) by, bool pools)
    {
        PlaneSize small = pools ? size.Halved : size;
        Vector<float> f = new(norm.Factor), s = new(norm.Shift), ofGradient = new(by.OfGradient), ofInput = new(by.OfInput), constant = new(by.Constant);
        for (int g = 0; g < size.Groups; g++)
        {
            nint place = small.First(g, channel), large = size.First(g, channel);
            float* greatest = output + place, outer = gradient + place;
            for (int y = 0; y < small.Height; y++, greatest += small.Row, outer += small.Row)
            {
                nint row = large + ((nint)y * (pools ? 2 * size.Row : size.Row));
                float* x = input + row, to = result + row;
                for (int i = 0; i < small.Width * size.Lanes; i += Vector<float>.Count)
                {
                    Vector<float> most = Vector.Load(greatest + i);
                    Vector<float> left = Vector.Load(outer + i) & Vector.GreaterThan(most, Vector<float>.Zero).As<int, float>();
                    if (pools)
                    {
                        float* there = At(to, i, size.Lanes);
                        Window w = new(At(x, i, size.Lanes), size, f, s);
                        w.Spread(left * ofGradient, most, there, size, ofInput, constant);
                    }
                    else
                    {
                        Vector.Store(Vector.MultiplyAddEstimate(left, ofGradient, Vector.MultiplyAddEstimate(Vector.Load(x + i), ofInput, constant)), to + i);
                    }
                }

                if (pools && size.Width % 2 == 1)
                {
                    int last = (size.Width - 1) * size.Lanes;
                    Runs.Scale(x + last, to + last, size.Lanes, by.OfInput, by.Constant);
                    Runs.Scale(x + size.Row + last, to + size.Row + last, size.Lanes, by.OfInput, by.Constant);
                }
            }

            if (pools && size.Height % 2 == 1)
            {
                nint last = large + ((nint)(size.Height - 1) * size.Row);
                Runs.Scale(input + last, result + last, size.Width * size.Lanes, by.OfInput, by.Constant);
            }
        }
    }

    /// <summary>Where the window of a pooled place begins: lanes stay, columns double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* At(float* row, int i, int lanes)
    {
        int lane = i & (lanes - 1); // 8 or 16
        return row + (2 * (i - lane)) + lane;
    }

    /// <summary>Four neighbours, normalized.</summary>
    private readonly struct Window
    {
        private readonly Vector<float> _x0, _x1, _x2, _x3, _a0, _a1, _a2, _a3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal Window(float* at, PlaneSize size, Vector<float> factor, Vector<float> shift)
        {
            float* below = at + size.Row;
            (_x0, _x1, _x2, _x3) = (Vector.Load(at), Vector.Load(at + size.Lanes), Vector.Load(below), Vector.Load(below + size.Lanes));
            _a0 = Vector.MultiplyAddEstimate(_x0, factor, shift);
            _a1 = Vector.MultiplyAddEstimate(_x1, factor, shift);
            _a2 = Vector.MultiplyAddEstimate(_x2, factor, shift);
            _a3 = Vector.MultiplyAddEstimate(_x3, factor, shift);
        }

        internal Vector<float> Greatest
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Vector.MaxNative(Vector<float>.Zero, Vector.MaxNative(Vector.MaxNative(_a0, _a1), Vector.MaxNative(_a2, _a3)));
        }

        /// <summary>The input at the first of the greatest.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal Vector<float> InputAt(Vector<float> most) => Vector.ConditionalSelect(Vector.Equals(_a0, most), _x0,
            Vector.ConditionalSelect(Vector.Equals(_a1, most), _x1, Vector.ConditionalSelect(Vector.Equals(_a2, most), _x2, _x3)));

        /// <summary>The gradient goes to the first of the greatest.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Spread(Vector<float> gradient, Vector<float> most, float* to, PlaneSize size, Vector<float> ofInput, Vector<float> constant)
        {
            Vector<float> t0 = Vector.Equals(_a0, most).As<int, float>(), t1 = Vector.Equals(_a1, most).As<int, float>();
            Vector<float> t2 = Vector.Equals(_a2, most).As<int, float>(), after0 = Vector.AndNot(gradient, t0), after1 = Vector.AndNot(after0, t1);
            float* below = to + size.Row;
            Vector.Store((gradient & t0) + Vector.MultiplyAddEstimate(_x0, ofInput, constant), to);
            Vector.Store((after0 & t1) + Vector.MultiplyAddEstimate(_x1, ofInput, constant), to + size.Lanes);
            Vector.Store((after1 & t2) + Vector.MultiplyAddEstimate(_x2, ofInput, constant), below);
            Vector.Store(Vector.AndNot(after1, t2) + Vector.MultiplyAddEstimate(_x3, ofInput, constant), below + size.Lanes);
        }
    }
}
