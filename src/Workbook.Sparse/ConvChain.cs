using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A model whose layers are 3×3 (or 1×1) convolutions, each with batch norm, ReLU and perhaps 2×2 max pooling, and behind them linear layers with ReLU
/// between: with the cross-entropy one step, over <see cref="Planes"/> in memory that stays, without autograd.
/// </summary>
internal sealed unsafe partial class ConvChain : IDisposable
{
    /// <summary>Of a convolution: 32 → 64 channels of 3×3. What libtorch does with larger ones is as fast.</summary>
    private const int MostWeights = 18_432;
    private readonly Stage[] _stages;
    private readonly LinearChain _head;
    private readonly int _features;
    private Memory[] _memory = [];
    private long _batch;

    private ConvChain(Stage[] stages, LinearChain head, int features) => (_stages, _head, _features) = (stages, head, features);

    /// <summary>Whether a model may be one, and small enough that its convolutions are faster so even where no weight is pruned.</summary>
    /// <param name="model">With its own layers.</param>
    /// <param name="batch">Images at a time.</param>
    internal static bool Pays(nn.Module model, int batch)
    {
        Conv2d[] convolutions = [.. model.modules().OfType<Conv2d>()];
        return convolutions.Length > 0 && Planes.Suit(batch) && model.modules().OfType<BatchNorm2d>().Count() == convolutions.Length
            && Array.TrueForAll(convolutions, conv => conv.weight.numel() <= MostWeights && ConvShape.Obstacle(conv) is null && ConvShape.Of(conv).IsUsual);
    }

    /// <summary>Null for a model that is something else.</summary>
    /// <param name="model">With sparse layers, in a chain of planes; its answers are compared with those of this chain.</param>
    /// <param name="trial">Of the model.</param>
    /// <param name="example">Of its input.</param>
    internal static ConvChain? Of(nn.Module<Tensor, Tensor> model, Trial trial, Tensor example)
    {
        if (example.dim() != 4 || !model.modules().Any(m => m is SparseConv2d { IsUsual: true }))
        {
            return null;
        }

        IEnumerable<LayerSlot> slots = LayerSlot.OfStandIns(model).Concat(LayerSlot.OfSparse(model)).ToArray();
        ConvChain? chain = Read(model, [.. CallProbe.CallsOf(model, slots, example.narrow(0, 0, 1).expand(16, -1, -1, -1))]);
        if (chain is not null && trial.Passes(chain.Answer))
        {
            return chain;
        }

        chain?.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Array.ForEach(_memory, m => m.Dispose());
        _memory = [];
    }

    /// <summary>Sets the gradients to those of the mean cross-entropy, and moves the statistics of the norms.</summary>
    /// <param name="inputs">[batch, channels, height, width].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <returns>The loss; null, and nothing done, where images are no multiple of eight, labels no classes or a number not finite.</returns>
    internal Tensor? Step(Tensor inputs, Tensor labels)
    {
        ReadOnlySpan<long> classes = _head.Classes(labels, inputs.size(0));
        if (classes.Length == 0)
        {
            return null;
        }

        using IDisposable noGrad = no_grad();
        if (Forward(inputs, training: true) is not { } memory)
        {
            return null;
        }

        double loss = _head.Loss(memory, classes);
        if (!double.IsFinite(loss))
        {
            Array.ForEach(memory, m => m.Dispose());
            return null;
        }

        using (Tensor gradient = _head.Backward(memory, toInput: true)!)
        {
            CopyFeatures(FeatureMajor.Pointer(gradient), _memory[^1].OutGradient, back: true);
        }

        for (int i = _stages.Length - 1; i >= 0; i--)
        {
            Backward(_stages[i], _memory[i], i > 0 ? _memory[i - 1].OutGradient : null);
        }

        return tensor((float)loss);
    }

    private Tensor? Answer(Tensor inputs, bool training) => Forward(inputs, training, track: false)?[^1].t();

    /// <summary>From the calls of the model's layers; null where they are of another kind or order.</summary>
    private static ConvChain? Read(nn.Module model, (nn.Module Layer, long[] Shape)[] calls)
    {
        List<Stage> stages = [];
        int at = 0;
        for (; at + 1 < calls.Length && calls[at].Layer is SparseConv2d { IsUsual: true, Shape.Stride: (1, 1) } conv; at++)
        {
            long[] shape = calls[at].Shape; // of images, or of planes
            (int height, int width) = shape.Length == 5 ? ((int)shape[2] - 1, (int)shape[3] - 1) : ((int)shape[2], (int)shape[3]);
            if (calls[++at].Layer is not PlanesNorm { Norm: { } norm } standIn || norm.weight is null || norm.bias is null || norm.running_mean is null)
            {
                return null;
            }

            bool pools = at + 1 < calls.Length && calls[at + 1].Layer is PlanesPool { Halves: true };
            stages.Add(new(conv, standIn, pools, (height, width)));
            at += pools ? 1 : 0;
        }

        for (; at < calls.Length && calls[at].Layer is ImagesFirst { Layer: Flatten or Identity }; at++)
        {
        }

        nn.Module[] rest = [.. calls[at..].Select(c => c.Layer)];
        if (stages.Count == 0 || !Array.TrueForAll(rest, layer => layer is SparseLinear) || LinearChain.Of([.. rest.Cast<SparseLinear>()]) is not { } head
            || LinearChain.IsMore(model, [.. stages.SelectMany(s => (nn.Module[])[s.Conv, s.Norm]), .. rest]))
        {
            return null;
        }

        PlaneSize last = stages[^1].Out(1, 8);
        bool follow = stages.Zip(stages.Skip(1)).All(p => p.First.Out(1, 8) == p.Second.In(1, 8))
            && last.Channels * last.Height * last.Width == ((SparseLinear)rest[0]).InFeatures
            && stages.TrueForAll(s => s.Norm.Norm.num_features == s.Conv.OutChannels);
        return follow ? new([.. stages], head, last.Channels * last.Height * last.Width) : null;
    }

    /// <summary>What <see cref="LinearChain.Forward"/> gives of the head; null where the images can't lie in planes, or a number is not finite.</summary>
    private Tensor[]? Forward(Tensor inputs, bool training, bool track = true)
    {
        PlaneSize first = _stages[0].In(1, 8);
        if (!Planes.Suit(inputs.size(0)) || inputs.dim() != 4 || inputs.size(1) != first.Channels || inputs.size(2) != first.Height
            || inputs.size(3) != first.Width || inputs.dtype != ScalarType.Float32)
        {
            return null;
        }

        MakeRoom(inputs.size(0));
        using (Tensor images = inputs.contiguous())
        {
            PlaneSize size = _memory[0].InSize;
            Planes.Copy(FeatureMajor.Pointer(images), _memory[0].In + size.First(0, 0), (size.Groups, size.Channels, size.Height, size.Width, size.Lanes),
                (nint)(size.Floats / size.Groups), size.Height + 1, size.Width + 1, back: false);
        }

        for (int i = 0; i < _stages.Length; i++)
        {
            if (!Forward(_stages[i], _memory[i], training))
            {
                return null;
            }
        }

        if (training && track)
        {
            foreach ((Stage stage, Memory memory) in _stages.Zip(_memory))
            {
                stage.Norm.Track(memory.MiddleSize.Places, memory.Mean, memory.Variance);
            }
        }

        Tensor features = empty(_features, inputs.size(0), ScalarType.Float32);
        CopyFeatures(FeatureMajor.Pointer(features), _memory[^1].Out, back: false);
        return _head.Forward(features);
    }

    /// <returns>Whether all numbers are finite.</returns>
    private static bool Forward(Stage stage, Memory memory, bool training)
    {
        (SparseConv2d conv, BatchNorm2d norm) = (stage.Conv, stage.Norm.Norm);
        ConvFunction.Product(conv.Shape, memory.Plan, memory.In, memory.InSize.Groups, conv.Values, conv.Bias, memory.Middle, conv.Threads, Kernels.Widest);
        (memory.Mean, memory.Variance) = training ? NormFunction.Moments(memory.Middle, memory.MiddleSize)
            : (norm.running_mean!.data<float>().ToArray(), norm.running_var!.data<float>().ToArray());
        float* weight = FeatureMajor.Pointer(norm.weight!), bias = FeatureMajor.Pointer(norm.bias!);
        for (int c = 0; c < memory.Mean.Length; c++)
        {
            float inverse = (float)(1 / Math.Sqrt(memory.Variance[c] + norm.eps)), factor = weight[c] * inverse, shift = bias[c] - (factor * memory.Mean[c]);
            if (!float.IsFinite(factor) || !float.IsFinite(shift))
            {
                return false;
            }

            (memory.Inverse[c], memory.Factor[c], memory.Shift[c]) = (inverse, factor, shift);
            NormPool.Forward(memory.Middle, memory.Out, memory.MiddleSize, c, factor, shift, stage.Pools);
        }

        return true;
    }

    private static void Backward(Stage stage, Memory memory, float* inGradient)
    {
        (SparseConv2d conv, BatchNorm2d norm, double count) = (stage.Conv, stage.Norm.Norm, memory.MiddleSize.Places);
        float* ofWeight = LinearChain.Zeroed(norm.weight!), ofBias = LinearChain.Zeroed(norm.bias!);
        for (int c = 0; c < memory.Mean.Length; c++)
        {
            (float mean, float inverse, float factor, float shift) = (memory.Mean[c], memory.Inverse[c], memory.Factor[c], memory.Shift[c]);
            (double sum, double product) = NormPool.Sums(memory.Middle, memory.Out, memory.OutGradient, memory.MiddleSize, c, (mean, factor, shift),
                stage.Pools);
            (ofWeight[c], ofBias[c]) = ((float)(product * inverse), (float)sum);
            double b = -factor * inverse * (double)inverse * product / count, constant = (-factor * sum / count) - (b * mean);
            NormPool.Backward(memory.Middle, memory.Out, memory.OutGradient, memory.MiddleGradient, memory.MiddleSize, c, (factor, shift),
                (factor, (float)b, (float)constant), stage.Pools);
        }

        using Tensor spare = conv.Bias is null ? zeros(conv.OutChannels) : zeros(0);
        float* biases = conv.Bias is { } bias ? LinearChain.Zeroed(bias) : FeatureMajor.Pointer(spare);
        int groups = memory.InSize.Groups;
        ConvFunction.Gradients(memory.Plan, memory.In, groups, memory.MiddleGradient, LinearChain.Zeroed(conv.Values), biases, conv.Threads, Kernels.Widest);
        if (inGradient is not null)
        {
            ConvFunction.InputGradient(memory.Plan, conv.Values, memory.MiddleGradient, groups, inGradient, conv.Threads);
        }
    }

    /// <summary>The last planes to [channels · height · width, batch], as flattening orders them, or back.</summary>
    private void CopyFeatures(float* features, float* planes, bool back)
    {
        PlaneSize size = _memory[^1].OutSize;
        int batch = size.Groups * size.Lanes;
        for (int g = 0; g < size.Groups; g++)
        {
            float* feature = features + (g * size.Lanes);
            for (int c = 0; c < size.Channels; c++)
            {
                for (int y = 0; y < size.Height; y++)
                {
                    float* place = planes + size.First(g, c) + ((nint)y * size.Row);
                    for (int x = 0; x < size.Width; x++, place += size.Lanes, feature += batch)
                    {
                        Span<float> lanes = new(place, size.Lanes), examples = new(feature, size.Lanes);
                        (back ? examples : lanes).CopyTo(back ? lanes : examples);
                    }
                }
            }
        }
    }

    private void MakeRoom(long batch)
    {
        if (_batch == batch && _memory.Length > 0)
        {
            return;
        }

        Dispose();
        int lanes = Planes.LanesFor(batch);
        List<Memory> memory = [];
        foreach (Stage stage in _stages)
        {
            memory.Add(new(stage, (int)(batch / lanes), lanes, memory.LastOrDefault()));
        }

        (_memory, _batch) = ([.. memory], batch);
    }
}
