using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// One parameter's step of stochastic gradient descent with momentum, as torch does it: <c>b ← μ b + (g + λ w)</c>, <c>w ← w − η b</c>. Three or four calls of
/// libtorch for each parameter are most of the time of a small network's step; numbers that lie side by side are added here.
/// </summary>
internal static class Descent
{
    /// <param name="weight">w, changed in place.</param>
    /// <param name="gradient">g.</param>
    /// <param name="buffer">b, changed in place; null before the first step.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="decay">λ.</param>
    /// <param name="rate">η.</param>
    /// <returns>The buffer, outside of any dispose scope; null without momentum.</returns>
    internal static Tensor? Step(Parameter weight, Tensor gradient, Tensor? buffer, double momentum, double decay, double rate)
    {
        if (momentum != 0)
        {
            buffer ??= zeros_like(gradient).DetachFromDisposeScope();
        }

        if (IsFlat(weight) && IsFlat(gradient) && (buffer is null || IsFlat(buffer)))
        {
            Span<float> w = Floats(weight);
            Add(w, Floats(gradient), buffer is null ? [] : Floats(buffer), (float)momentum, (float)decay, (float)-rate);
        }
        else
        {
            using Scalar held = decay, times = momentum, step = -rate;
            using Tensor change = decay == 0 ? gradient.alias() : gradient.add(weight, held);
            weight.add_(buffer?.mul_(times).add_(change, HeldNumbers.One) ?? change, step);
        }

        return buffer;
    }

    private static bool IsFlat(Tensor tensor) => tensor.dtype == ScalarType.Float32 && tensor.device_type == DeviceType.CPU && tensor.is_contiguous()
        && !tensor.is_sparse;

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    private static void Add(Span<float> w, ReadOnlySpan<float> g, Span<float> b, float momentum, float decay, float rate)
    {
        int i = 0, width = Vector<float>.Count;
        (Vector<float> m, Vector<float> d, Vector<float> r) = (new(momentum), new(decay), new(rate));
        for (; i <= w.Length - width; i += width)
        {
            Vector<float> weight = new(w[i..]), change = Vector.FusedMultiplyAdd(weight, d, new(g[i..]));
            if (b.Length > 0)
            {
                change = (new Vector<float>(b[i..]) * m) + change;
                change.CopyTo(b[i..]);
            }

            Vector.FusedMultiplyAdd(change, r, weight).CopyTo(w[i..]);
        }

        for (; i < w.Length; i++)
        {
            float change = MathF.FusedMultiplyAdd(w[i], decay, g[i]);
            if (b.Length > 0)
            {
                b[i] = change = (b[i] * momentum) + change;
            }

            w[i] = MathF.FusedMultiplyAdd(change, rate, w[i]);
        }
    }
}
