using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A model that is sparse linear layers with ReLU between them and nothing else, and the cross-entropy behind it, as one step: forward and backward over
/// memory that stays feature-major, without autograd's bookkeeping for each layer.
/// </summary>
internal sealed unsafe class LinearChain
{
    private readonly SparseLinear[] _layers;

    private LinearChain(SparseLinear[] layers) => _layers = layers;

    /// <summary>Null for a model that is something else.</summary>
    /// <param name="model">Its answers are compared with the chain's, for what <c>forward</c> does is not to be read.</param>
    /// <param name="trial">Of the model.</param>
    internal static LinearChain? Of(nn.Module model, Trial trial)
    {
        SparseLinear[] layers = [.. model.modules().OfType<SparseLinear>()];
        if (IsMore(model, layers) || Of(layers) is not { } chain)
        {
            return null;
        }

        return trial.Passes((inputs, _) => chain.Answer(inputs)) ? chain : null;
    }

    /// <summary>Of layers that come one after the other; null where one does not take what the last gives.</summary>
    internal static LinearChain? Of(IReadOnlyList<SparseLinear> layers) =>
        layers.Count == 0 || layers.Zip(layers.Skip(1)).Any(pair => pair.First.OutFeatures != pair.Second.InFeatures) ? null : new([.. layers]);

    /// <summary>Whether a model has parameters beside those of some modules, or that are not trained, or layers of torch's that do something more.</summary>
    internal static bool IsMore(nn.Module model, IReadOnlyCollection<nn.Module> modules) =>
        Handles(modules).Count != Handles([model]).Count || model.parameters().Any(p => !p.requires_grad)
            || model.modules().Any(m => m.GetType().Assembly == typeof(Linear).Assembly
                && m is not (Sequential or ReLU or Flatten or Identity or BatchNorm2d or MaxPool2d));

    /// <summary>Int64 [batch], each a class, as numbers; empty where they are anything else, which torch's own loss has words for.</summary>
    internal ReadOnlySpan<long> Classes(Tensor labels, long batch)
    {
        ReadOnlySpan<long> classes = labels.dtype == ScalarType.Int64 && labels.is_contiguous() ? MemoryMarshal.Cast<byte, long>(labels.bytes) : [];
        return classes.Length != batch || classes.ContainsAnyExceptInRange(0, _layers[^1].OutFeatures - 1) ? [] : classes;
    }

    /// <summary>Sets the gradients to those of the mean cross-entropy.</summary>
    /// <param name="inputs">[batch, ..].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <returns>The loss; null where labels are not classes.</returns>
    internal Tensor? Step(Tensor inputs, Tensor labels)
    {
        ReadOnlySpan<long> classes = Classes(labels, inputs.size(0));
        if (classes.Length == 0)
        {
            return null;
        }

        using IDisposable noGrad = no_grad();
        using Tensor rows = inputs.reshape(inputs.size(0), -1);
        Tensor[] memory = Forward(FeatureMajor.Of(rows));
        double loss = Loss(memory, classes);
        Backward(memory, toInput: false);
        return tensor((float)loss);
    }

    /// <summary>The mean cross-entropy of <see cref="Forward"/>'s answers, whose place its gradient takes.</summary>
    internal double Loss(Tensor[] memory, ReadOnlySpan<long> classes) => CrossEntropy(FeatureMajor.Pointer(memory[^1]), classes, _layers[^1].OutFeatures);

    /// <summary>Sets the gradients of all weights, from that of the answers; the memory is used up.</summary>
    /// <param name="memory">Of <see cref="Forward"/>, after <see cref="Loss"/>.</param>
    /// <param name="toInput">Whether the gradient of what went in is made too.</param>
    /// <returns>It, [features, batch].</returns>
    internal Tensor? Backward(Tensor[] memory, bool toInput)
    {
        int batch = (int)memory[0].size(1);
        for (int l = _layers.Length - 1; l >= 0; l--)
        {
            (SparseLinear layer, Csr pattern) = (_layers[l], _layers[l].Places);
            float* gradient = FeatureMajor.Pointer(memory[l + 1]), input = FeatureMajor.Pointer(memory[l]);
            using Tensor spare = layer.Bias is null ? zeros(pattern.Rows) : zeros(0);
            float* ofBias = layer.Bias is { } bias ? Zeroed(bias) : FeatureMajor.Pointer(spare);
            Kernels.Gradients(pattern.Walk, batch, input, gradient, batch, Zeroed(layer.Values), ofBias, batch, layer.Threads, Kernels.Widest);
            if (l > 0 || toInput)
            {
                Tensor before = empty(pattern.Columns, batch);
                float* to = FeatureMajor.Pointer(before);
                Walk transposed = pattern.Transposed;
                transposed.InOrder(layer.Values, weights =>
                    Kernels.Product(transposed, batch, (float*)weights, null, gradient, to, batch, batch, layer.Threads, Kernels.Widest));
                if (l > 0)
                {
                    WherePositive(input, to, pattern.Columns * batch);
                }

                memory[l].Dispose();
                memory[l] = before;
            }
        }

        foreach (Tensor used in toInput ? memory[1..] : memory)
        {
            used.Dispose();
        }

        return toInput ? memory[0] : null;
    }

    /// <summary>What goes into each layer, and what comes out of the last, [features, batch].</summary>
    /// <param name="first">What goes into the first: [features, batch].</param>
    internal Tensor[] Forward(Tensor first)
    {
        Tensor[] memory = [first, .. new Tensor[_layers.Length]];
        int batch = (int)first.size(1);
        for (int l = 0; l < _layers.Length; l++)
        {
            (SparseLinear layer, Csr pattern) = (_layers[l], _layers[l].Places);
            memory[l + 1] = empty(pattern.Rows, batch);
            float* to = FeatureMajor.Pointer(memory[l + 1]);
            Kernels.Product(pattern.Walk, batch, FeatureMajor.Pointer(layer.Values), layer.Bias is { } bias ? FeatureMajor.Pointer(bias) : null,
                FeatureMajor.Pointer(memory[l]), to, batch, batch, layer.Threads, Kernels.Widest);
            if (l < _layers.Length - 1)
            {
                WherePositive(to, to, pattern.Rows * batch);
            }
        }

        return memory;
    }

    /// <summary>The gradient of a parameter, zeros.</summary>
    internal static float* Zeroed(Parameter parameter)
    {
        if (parameter.grad is not { } gradient)
        {
            parameter.grad = gradient = zeros_like(parameter).DetachFromDisposeScope();
        }

        float* at = FeatureMajor.Pointer(gradient);
        new Span<float>(at, (int)gradient.numel()).Clear();
        return at;
    }

    private static HashSet<nint> Handles(IEnumerable<nn.Module> modules) =>
        [.. modules.SelectMany(module => module.parameters().Concat(module.buffers()).Select(tensor => tensor.Handle))];

    private Tensor Answer(Tensor inputs)
    {
        using Tensor rows = inputs.reshape(inputs.size(0), -1);
        return Forward(FeatureMajor.Of(rows))[^1].t();
    }

    /// <summary>to = 0 where x is not positive; NaN stays, as in torch's ReLU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WherePositive(float* x, float* to, int length)
    {
        int i = 0, width = Vector<float>.Count;
        for (; i <= length - width; i += width)
        {
            Vector<float> at = Vector.Load(x + i);
            Vector.Store(Vector.AndNot(Vector.Load(to + i), Vector.LessThanOrEqual(at, Vector<float>.Zero).As<int, float>()), to + i);
        }

        for (; i < length; i++)
        {
            to[i] = x[i] <= 0 ? 0 : to[i];
        }
    }

    /// <summary>The mean cross-entropy of logits [classes][batch], which become its gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double CrossEntropy(float* logits, ReadOnlySpan<long> labels, int classes)
    {
        int batch = labels.Length, width = Vector<float>.Count;
        double loss = 0;
        float share = 1f / batch;
        float* sums = stackalloc float[width], greatest = stackalloc float[width], chosen = stackalloc float[width];
        for (int b = 0; b < batch; b += width)
        {
            int lanes = Math.Min(width, batch - b);
            Vector<float> most = new(float.NegativeInfinity), sum = default;
            for (int c = 0; c < classes; c++)
            {
                most = Vector.Max(most, Part(logits + (c * batch) + b, lanes));
            }

            for (int lane = 0; lane < lanes; lane++)
            {
                chosen[lane] = logits[(labels[b + lane] * batch) + b + lane];
            }

            for (int c = 0; c < classes; c++)
            {
                Vector<float> e = Vector.Exp(Part(logits + (c * batch) + b, lanes) - most);
                sum += e;
                Put(e, logits + (c * batch) + b, lanes);
            }

            Vector<float> factor = new Vector<float>(share) / sum;
            for (int c = 0; c < classes; c++)
            {
                Put(Part(logits + (c * batch) + b, lanes) * factor, logits + (c * batch) + b, lanes);
            }

            Vector.Store(sum, sums);
            Vector.Store(most, greatest);
            for (int lane = 0; lane < lanes; lane++)
            {
                logits[(labels[b + lane] * batch) + b + lane] -= share;
                loss += greatest[lane] + Math.Log(sums[lane]) - chosen[lane];
            }
        }

        return loss / batch;

        static Vector<float> Part(float* at, int lanes)
        {
            if (lanes == Vector<float>.Count)
            {
                return Vector.Load(at);
            }

            Span<float> some = stackalloc float[Vector<float>.Count];
            new ReadOnlySpan<float>(at, lanes).CopyTo(some);
            return new(some);
        }

        static void Put(Vector<float> vector, float* at, int lanes)
        {
            if (lanes == Vector<float>.Count)
            {
                Vector.Store(vector, at);
                return;
            }

            Span<float> all = stackalloc float[Vector<float>.Count];
            vector.CopyTo(all);
            all[..lanes].CopyTo(new(at, lanes));
        }
    }
}
