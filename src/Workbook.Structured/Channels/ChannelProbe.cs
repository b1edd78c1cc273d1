using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Sees what reaches every layer's inputs although <c>forward</c> runs no hooks. The forward pass runs with weights of 0, so that
/// every layer puts out its bias, whatever comes in, and only the operations in between act: activations, pooling, flatten,
/// +, concatenation. The backward pass finds other weights in the same memory, so that gradients pass every layer, and the gradient of a weight is
/// the input times the gradient of the output, which the gradient of the bias gives: the quotient is the input. That holds whatever the gradients are where
/// the input is the same at every position: the example becomes an image of ones, and of a kernel only the tap counts that never meets padding.
/// Gradients neither grow nor vanish with the depth: the weights that they meet are divided by how many meet in a sum. Kernels are read in blocks of
/// channels, which are all that a pass needs: it costs little more than the operations in between.
/// </summary>
internal sealed class ChannelProbe : IDisposable
{
    private readonly double _resting;
    private const long BlockSize = 1 << 16;

    private readonly WorkingCopy _copy;
    private readonly ChannelForward _forward;
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly Dictionary<int, (Tensor Weights, Tensor Passing)> _memory = [];
    private readonly int[] _fan;
    private readonly InstanceNorm[] _opened;
    private readonly ScalarType _dtype;
    private Tensor[]? _factors;

    /// <param name="copy">Of the model, in evaluation mode.</param>
    /// <param name="model">Whose layers these are.</param>
    /// <param name="forward">With examples of the copy's type.</param>
    /// <param name="layers">All layers of the model.</param>
    /// <param name="dtype">That of the copy.</param>
    /// <param name="isNoisy">Whether the answers depend on random numbers.</param>
    internal ChannelProbe(WorkingCopy copy, nn.Module model, ChannelForward forward, IReadOnlyList<ChannelLayer> layers, ScalarType dtype,
        bool isNoisy)
    {
        // Loud enough for random numbers in forward not to count.
        (_copy, _layers, _dtype, _resting) = (copy, layers, dtype, isNoisy ? 4e11 : 0.4);
        _forward = forward with
        {
            Examples = [.. forward.Examples
            .Select(e => e.is_floating_point() ? ones_like(e).DetachFromDisposeScope() : e.alias().DetachFromDisposeScope())]
        };
        _fan = new int[layers.Count];
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        // Norms over the positions of a map would make nothing of maps that are the same everywhere.
        _opened = [.. model.modules().OfType<InstanceNorm>().Where(n => n.running_mean is null)];
        Array.ForEach(_opened, n => Track(n, zeros(n.num_features, dtype).DetachFromDisposeScope(),
            ones(n.num_features, dtype).DetachFromDisposeScope()));
        long[][] shapes = [.. layers.Select((layer, l) => ProbeShape(layer, l))];
        using Generator generator = RandomStream.Of(0, "probe");
        foreach (var alike in shapes.Select((shape, l) => (Fan: _fan[l], Size: Size(shape))).Where(s => s.Size > 0).GroupBy(s => s.Fan, s => s.Size))
        {
            // Every layer of about as many sums has the same memory: passes write little.
            Tensor passing = rand(alike.Max(), dtype, generator: generator).Plus(0.5).Times(Math.Pow(2, -alike.Key));
            _memory[alike.Key] = (zeros_like(passing).DetachFromDisposeScope(), passing.DetachFromDisposeScope());
        }

        foreach ((ChannelLayer layer, int l) in layers.Select((layer, l) => (layer, l)))
        {
            layer.EnterProbe();
            if (layer.IsProducer && !layer.IsSource && layer.Bias is null)
            {
                layer.SetBias(new Parameter(zeros([layer.Outputs], dtype)));
            }

            foreach ((Tensor statistic, double resting) in layer.Statistics)
            {
                copy.Set(statistic, HeldNumbers.Full(statistic.shape, resting, statistic.dtype));
            }

            if (shapes[l].Length > 0)
            {
                copy.Set(layer.Weight, _memory[_fan[l]].Weights.narrow(0, 0, Size(shapes[l])).view(shapes[l]), gradient: true);
            }
            else if (layer.IsNorm)
            {
                copy.Set(layer.Weight, ones(layer.Weight.shape, dtype), gradient: true);
            }
        }

        Codes = new CodeBook(Math.Max(layers.Count + CodeBook.Spare, layers.Max(l => l.Outputs)));
    }

    /// <summary>How small a change is, against the values: its square must not be seen.</summary>
    internal double Step => _dtype == ScalarType.Float64 ? 1e-5 : 1e-2;

    /// <summary>What of a step is no rounding.</summary>
    private double Noticeable => _dtype == ScalarType.Float64 ? 1e-7 : 3e-3;

    internal CodeBook Codes { get; }

    /// <summary>What a pass read.</summary>
    /// <param name="Inputs">Layer → a number for each of its inputs; null where no gradient came.</param>
    /// <param name="Output">All numbers of the answer.</param>
    internal sealed record Reading(double[]?[] Inputs, double[] Output)
    {
        /// <summary>Differences that are no rounding, in units of the step.</summary>
        internal (double[]?[] Inputs, bool Output) Minus(Reading rest, double step, double noticeable) => (
            [.. Inputs.Zip(rest.Inputs, (now, before) => Changes(now, before, step, noticeable))],
            Changes(Output, rest.Output, step, noticeable)!.Any(d => d != 0));

        private static double[]? Changes(double[]? now, double[]? before, double step, double noticeable)
        {
            if (now is null || before is null)
            {
                return null;
            }

            // Of norms over channels that are all alike nothing is left but rounding.
            double scale = before.Where(double.IsFinite).Select(Math.Abs).Append(noticeable > 1e-3 ? 0.05 : 1e-3).Max();
            return [.. now.Zip(before, (n, b) => (n - b) / step is var d && Math.Abs(d) > noticeable * scale ? d : 0)];
        }
    }

    /// <summary>Reads with every channel at rest.</summary>
    internal Reading Rest(double scale = 1) => Read((_, outputs) => HeldNumbers.Full([outputs], _resting * scale, _dtype), scale);

    /// <summary>Reads with some channels moved from rest, and what that changes.</summary>
    /// <param name="rest">The reading at rest.</param>
    /// <param name="moves">Layer → how many steps each channel moves; null for none.</param>
    /// <param name="scale">That of the reading at rest.</param>
    /// <param name="read">The layers that are read; by default all.</param>
    internal (double[]?[] Inputs, bool Output) Move(Reading rest, Func<int, double[]?> moves, double scale = 1, Func<int, bool>? read = null) =>
        Read((l, outputs) => moves(l) is { } steps ? tensor(steps).Times(Step).Plus(1).Times(_resting * scale).to(_dtype)
            : HeldNumbers.Full([outputs], _resting * scale, _dtype), scale, read: read ?? (_ => true)).Minus(rest, Step, Noticeable);

    /// <summary>Reads with some layers put to nearly 0.</summary>
    /// <remarks>Close to 0, not at it: there ReLU has no gradient.</remarks>
    internal Reading Faint(Func<int, bool> layers) =>
        Read((l, outputs) => HeldNumbers.Full([outputs], layers(l) ? _resting * 1e-6 : _resting, _dtype), 1, l => layers(l) ? 1e-6 : 1);

    /// <summary>Puts the sizes back that a probe changes.</summary>
    public void Dispose()
    {
        Array.ForEach(_opened, n => Track(n, null, null));
        foreach (Tensor tensor in _memory.Values.SelectMany(m => new[] { m.Weights, m.Passing }).Concat(_factors ?? []).Concat(_forward.Examples))
        {
            tensor.Dispose();
        }

        foreach (ChannelLayer layer in _layers)
        {
            layer.LeaveProbe();
        }
    }

    private static void Track(InstanceNorm norm, Tensor? mean, Tensor? variance)
    {
        SetTracking(norm, mean is not null);
        (norm.running_mean, norm.running_var) = (mean, variance);
    }

    /// <summary>The shape of a weight in passes, and how many of its values meet in a gradient, as a power of two.</summary>
    private long[] ProbeShape(ChannelLayer layer, int l)
    {
        if (layer.IsNorm || layer.IsSource)
        {
            return [];
        }

        long[] shape = layer.Weight.shape;
        long fan = layer.Outputs;
        if (layer.IsTransposed)
        {
            fan = shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        }
        else if (shape.Length > 2 && !layer.IsBilinear)
        {
            long taps = shape.Skip(2).Aggregate(1L, (a, b) => a * b);
            long groups = Blocks(layer, taps);
            layer.SetGroups(groups);
            shape[1] = layer.Inputs / groups;
            fan = layer.Outputs / groups * taps;
        }

        _fan[l] = (int)Math.Round(Math.Log2(fan));
        return shape;
    }

    /// <summary>Few blocks cost memory, many cost calls: as many as keep a block small.</summary>
    private static long Blocks(ChannelLayer layer, long taps)
    {
        long common = (long)System.Numerics.BigInteger.GreatestCommonDivisor(layer.Inputs, layer.Outputs);
        long wanted = Math.Clamp((long)layer.Inputs * layer.Outputs * taps / BlockSize, 1, 8);
        return Enumerable.Range(1, (int)Math.Min(common, 64)).Where(g => common % g == 0 && g >= wanted).Select(g => (long)g).FirstOrDefault(1L);
    }

    private Reading Read(Func<int, long, Tensor> channels, double scale, Func<int, double>? shifts = null, Func<int, bool>? read = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using (no_grad())
        {
            foreach ((Tensor weights, _) in _memory.Values)
            {
                weights.zero_();
            }

            for (int l = 0; l < _layers.Count; l++)
            {
                ChannelLayer layer = _layers[l];
                if (layer.IsSource)
                {
                    long[] shape = [.. Enumerable.Repeat(1L, (int)layer.Weight.dim())];
                    shape[layer.Parts[0].Out] = layer.Outputs;
                    Tensor contents = channels(l, layer.Outputs).reshape(shape).expand(layer.Weight.shape).contiguous();
                    _copy.Set(layer.Weight, contents, gradient: true);
                }
                else if (layer.Bias is { } bias)
                {
                    Tensor contents = layer.IsProducer ? channels(l, layer.Outputs)
                        : HeldNumbers.Full(bias.shape,
                            layer.IsOverChannels || layer.Groups < layer.Outputs ? _resting * scale * (shifts?.Invoke(l) ?? 1) : 0, _dtype);
                    _copy.Set(bias, contents, gradient: true);
                }
            }
        }

        using IDisposable grad = enable_grad();
        Tensor[] outputs = _forward.Run(_forward.Examples);
        _factors ??= Factors(outputs);
        Tensor loss = outputs.Zip(_factors, (o, f) => o.mul(f).sum()).Aggregate(HeldNumbers.Plus);
        foreach ((Tensor weights, Tensor passing) in _memory.Values)
        {
            // Past autograd, which would refuse a weight that changes between the passes.
            passing.bytes.CopyTo(weights.bytes);
        }

        Tensor[] wanted = [.. _layers.Where((_, l) => read?.Invoke(l) ?? true)
            .SelectMany(l => l.IsSource ? [] : l.Bias is { } b ? new Tensor[] { l.Weight, b } : [l.Weight])];
        Tensor?[] gradients = loss.requires_grad && wanted.Length > 0 ? [.. autograd.grad([loss], wanted, allow_unused: true)] : new Tensor?[wanted.Length];
        int next = 0;
        double[]?[] inputs = [.. _layers.Select((layer, l) => layer.IsSource ? [] : read?.Invoke(l) == false ? null
            : LayerReading.Inputs(layer, gradients[next++], layer.Bias is null ? null : gradients[next++], isMove: read is not null))];
        return new(inputs, [.. outputs.SelectMany(LayerReading.Values)]);
    }

    private static long Size(long[] shape) => shape.Length == 0 ? 0 : shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>Random: the plain sum of a softmax does not depend on its inputs.</summary>
    private static Tensor[] Factors(Tensor[] outputs)
    {
        using Generator generator = RandomStream.Of(0, "probe", "output");
        return [.. outputs.Select(o => rand(o.shape, o.dtype, generator: generator).Plus(0.5).DetachFromDisposeScope())];
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_track_running_stats")]
    private static extern void SetTracking(NormBase norm, bool isTracking);
}
