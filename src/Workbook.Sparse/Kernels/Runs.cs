using System.Numerics;
using System.Runtime.CompilerServices;

namespace Workbook;

/// <summary>Loops over floats that lie side by side.</summary>
internal static unsafe class Runs
{
    /// <summary>Σ x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Sum(float* x, int length)
    {
        Vector<float> even = default, odd = default;
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - (2 * width); i += 2 * width)
        {
            even += Vector.Load(x + i);
            odd += Vector.Load(x + i + width);
        }

        float sum = Vector.Sum(even + odd);
        for (; i < length; i++)
        {
            sum += x[i];
        }

        return sum;
    }

    /// <summary>Σ (x − mean)².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float SumOfSquares(float* x, int length, float mean)
    {
        Vector<float> even = default, odd = default, middle = new(mean);
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - (2 * width); i += 2 * width)
        {
            Vector<float> a = Vector.Load(x + i) - middle, b = Vector.Load(x + i + width) - middle;
            even += a * a;
            odd += b * b;
        }

        float sum = Vector.Sum(even + odd);
        for (; i < length; i++)
        {
            sum += (x[i] - mean) * (x[i] - mean);
        }

        return sum;
    }

    /// <summary>Σ g and Σ g · (x − mean).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float G, float GX) Sums(float* g, float* x, int length, float mean)
    {
        Vector<float> gs = default, products = default, middle = new(mean);
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - width; i += width)
        {
            Vector<float> v = Vector.Load(g + i);
            gs += v;
            products += v * (Vector.Load(x + i) - middle);
        }

        (float sum, float product) = (Vector.Sum(gs), Vector.Sum(products));
        for (; i < length; i++)
        {
            (sum, product) = (sum + g[i], product + (g[i] * (x[i] - mean)));
        }

        return (sum, product);
    }

    /// <summary>to = factor · x + shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Scale(float* x, float* to, int length, float factor, float shift)
    {
        Vector<float> f = new(factor), s = new(shift);
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - width; i += width)
        {
            Vector.Store(Vector.MultiplyAddEstimate(Vector.Load(x + i), f, s), to + i);
        }

        for (; i < length; i++)
        {
            to[i] = (factor * x[i]) + shift;
        }
    }

    /// <summary>to = a · g + b · x + c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Combine(float* g, float* x, float* to, int length, float a, float b, float c)
    {
        Vector<float> va = new(a), vb = new(b), vc = new(c);
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - width; i += width)
        {
            Vector.Store(Vector.MultiplyAddEstimate(Vector.Load(g + i), va, Vector.MultiplyAddEstimate(Vector.Load(x + i), vb, vc)), to + i);
        }

        for (; i < length; i++)
        {
            to[i] = (a * g[i]) + (b * x[i]) + c;
        }
    }
}
