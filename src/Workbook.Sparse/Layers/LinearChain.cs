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
        bool isMore = layers.Sum(l => l.parameters().Count()) != model.parameters().Count() || layers.Sum(l => l.buffers().Count()) != model.buffers().Count()
            || model.modules().Any(m => m.GetType().Assembly == typeof(Linear).Assembly && m is not (Sequential or ReLU or Flatten or Identity));
        if (layers.Length == 0 || isMore || model.parameters().Any(p => !p.requires_grad)
            || layers.Zip(layers.Skip(1)).Any(pair => pair.First.OutFeatures != pair.Second.InFeatures))
        {
            return null;
        }

        LinearChain chain = new(layers);
        return trial.Passes(chain.Answer) ? chain : null;
    }

    /// <summary>Sets the gradients to those of the mean cross-entropy.</summary>
    /// <param name="inputs">[batch, ..].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <returns>The loss; null where labels are not classes, which torch's own loss has words for.</returns>
    internal Tensor? Step(Tensor inputs, Tensor labels)
    {
        using Tensor contiguous = labels.contiguous();
        ReadOnlySpan<long> classes = labels.dtype == ScalarType.Int64 ? MemoryMarshal.Cast<byte, long>(contiguous.bytes) : [];
        if (classes.Length == 0 || classes.Length != inputs.size(0) || classes.ContainsAnyExceptInRange(0, _layers[^1].OutFeatures - 1))
        {
            return null;
        }

        using IDisposable noGrad = no_grad();
        Tensor[] memory = Forward(inputs);
        int batch = classes.Length;
        double loss = CrossEntropy(FeatureMajor.Pointer(memory[^1]), classes, _layers[^1].OutFeatures);
        for (int l = _layers.Length - 1; l >= 0; l--)
        {
            (SparseLinear layer, Csr pattern) = (_layers[l], _layers[l].Places);
            float* gradient = FeatureMajor.Pointer(memory[l + 1]), input = FeatureMajor.Pointer(memory[l]);
            using Tensor spare = layer.Bias is null ? zeros(pattern.Rows) : zeros(0);
            float* ofBias = layer.Bias is { } bias ? Zeroed(bias) : FeatureMajor.Pointer(spare);
            Kernels.Gradients(pattern.Walk, batch, input, gradient, batch, Zeroed(layer.Values), ofBias, batch, layer.Threads, Kernels.Widest);
            if (l > 0)
            {
                Tensor before = empty(pattern.Columns, batch);
                float* to = FeatureMajor.Pointer(before);
                Walk transposed = pattern.Transposed;
                transposed.InOrder(layer.Values, weights =>
                    Kernels.Product(transposed, batch, (float*)weights, null, gradient, to, batch, batch, layer.Threads, Kernels.Widest));
                WherePositive(input, to, pattern.Columns * batch);
                memory[l].Dispose();
                memory[l] = before;
            }
        }

        Array.ForEach(memory, m => m.Dispose());
        return tensor((float)loss);
    }

    private Tensor Answer(Tensor inputs)
    {
        Tensor[] memory = Forward(inputs);
        return memory[^1].t();
    }

    /// <summary>What goes into each layer, and what comes out of the last, [features, batch].</summary>
    private Tensor[] Forward(Tensor inputs)
    {
        using Tensor rows = inputs.reshape(inputs.size(0), -1);
        Tensor[] memory = [FeatureMajor.Of(rows), .. new Tensor[_layers.Length]];
        int batch = (int)inputs.size(0);
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
    private static float* Zeroed(Parameter parameter)
    {
        if (parameter.grad is not { } gradient)
        {
            parameter.grad = gradient = zeros_like(parameter).DetachFromDisposeScope();
        }

        float* at = FeatureMajor.Pointer(gradient);
        new Span<float>(at, (int)gradient.numel()).Clear();
        return at;
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
