using System.Collections.Concurrent;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A convolution over images that keeps and multiplies the weights its mask leaves, and no others, forward and backward in C#: of any stride,
/// padding with zeros, dilation and groups. Any optimizer trains it, over the kept weights alone. On the CPU, in float32.
/// </summary>
/// <remarks>
/// Saved as <see cref="SparseLinear"/> is, as the matrix [out, in / groups · kernel]. Gradients of gradients (<c>create_graph</c>) are exact, at a
/// dense layer's speed; changes in place between forward and backward show as NaN in the gradients.
/// </remarks>
public sealed class SparseConv2d : SparseLayer, IPlanesLayer
{
    /// <summary>Images of more sizes than this are seldom seen by one layer.</summary>
    private const int MostPlans = 16;
    private readonly ConvShape _shape;
    private readonly ConcurrentDictionary<(Csr Pattern, int Height, int Width, int Lanes, bool Shared), ConvPlan> _plans = new();

    /// <param name="conv">The layer whose weights and biases are copied; it stays as it is.</param>
    /// <param name="kept">[out, in / groups, height, width], 1 (or true) where a weight is kept: <c>mask["conv1.weight"]</c>.</param>
    /// <param name="threads">Managed threads that a large product may take, 1 or more.</param>
    /// <exception cref="WorkbookException">
    /// The mask has another shape or holds something other than 0 and 1, the layer pads with something other than zeros or its two sides
    /// differently, is not float32 on the CPU, or <paramref name="threads"/> is below 1.
    /// </exception>
    public SparseConv2d(Conv2d conv, Tensor kept, int threads = 1)
        : base(nameof(SparseConv2d), (conv ?? throw new ArgumentNullException(nameof(conv))).weight, conv.bias, kept, threads)
    {
        if (ConvShape.Obstacle(conv) is { } obstacle)
        {
            throw new WorkbookException($"this convolution can't be sparse: {obstacle}");
        }

        _shape = ConvShape.Of(conv);
        RegisterComponents();
    }

    /// <summary>Channels that go in.</summary>
    public int InChannels => _shape.Inputs;

    /// <summary>Channels that come out.</summary>
    public int OutChannels => _shape.Outputs;

    /// <inheritdoc/>
    bool IPlanesLayer.GivesPlanes { get => GivesPlanes; set => GivesPlanes = value; }

    /// <summary>Whether what comes out is <see cref="Planes"/>, for the next layer, and not images.</summary>
    internal bool GivesPlanes { get; set; }

    /// <summary>Whether planes can go through it.</summary>
    internal bool IsUsual => _shape.IsUsual;

    internal ConvShape Shape => _shape;

    private protected override long[] WeightShape => [_shape.Outputs, _shape.Inputs / _shape.Groups, _shape.Kernel.Y, _shape.Kernel.X];

    /// <param name="input">[batch, in, height, width], float32 on the CPU, of any strides; without the first dimension a single image.</param>
    /// <returns>[batch, out, height', width'].</returns>
    /// <exception cref="WorkbookException">The input has other channels, another dtype or device, or is smaller than the kernel.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Csr pattern = Pattern;
        if (input.dim() == 3)
        {
            using DisposeScope scope = NewDisposeScope();
            return forward(input.unsqueeze(0)).squeeze(0).MoveToOuterDisposeScope();
        }

        bool planes = Planes.Are(input) && _shape.IsUsual;
        (long images, int height, int width) = Check(input, planes);
        (int outHeight, int outWidth) = _shape.Out(height, width);
        OnRows?.Invoke(images * outHeight * outWidth);
        if (images == 0)
        {
            using DisposeScope scope = NewDisposeScope();
            return _shape.Dense(input, Scattered(pattern), Bias).MoveToOuterDisposeScope();
        }

        int lanes = planes ? (int)input.size(4) : Planes.LanesFor(images);
        bool shared = planes || (GivesPlanes && _shape.IsUsual && Planes.Suit(images));
        ConvPlan plan = PlanFor(pattern, height, width, lanes, shared);
        ConvCall call = new(_shape, pattern, plan, Threads, input.requires_grad, Bias is not null, planes, GivesPlanes && shared);
        if (NeedsGraph(input))
        {
            return ConvFunction.apply(input, Values, Bias!, call);
        }

        using Tensor memory = ConvFunction.Memory(plan, input);
        return ConvFunction.Product(call, memory, Values, Bias, Kernels.Widest);
    }

    /// <summary>How planes of images of one size go through it.</summary>
    internal ConvPlan PlanFor(int height, int width, int lanes) => PlanFor(Pattern, height, width, lanes, shared: true);

    /// <summary>The dense layer with these weights, and zeros where they were pruned.</summary>
    public Conv2d ToConv2d()
    {
        (Parameter weight, Parameter? ofLayer) = Dense();
        Conv2d conv = nn.Conv2d(_shape.Inputs, _shape.Outputs, (_shape.Kernel.Y, _shape.Kernel.X), (_shape.Stride.Y, _shape.Stride.X),
            (_shape.Padding.Y, _shape.Padding.X), (_shape.Dilation.Y, _shape.Dilation.X), groups: _shape.Groups, bias: ofLayer is not null);
        (conv.weight, conv.bias) = (weight, ofLayer);
        return conv;
    }

    internal override nn.Module<Tensor, Tensor> ToDense() => ToConv2d();

    private ConvPlan PlanFor(Csr pattern, int height, int width, int lanes, bool shared)
    {
        if (_plans.Count > MostPlans)
        {
            _plans.Clear();
        }

        return _plans.GetOrAdd((pattern, height, width, lanes, shared), key => new(_shape, key.Pattern, key.Height, key.Width, key.Lanes, key.Shared));
    }

    private (long Images, int Height, int Width) Check(Tensor input, bool planes)
    {
        (long images, long channels, long height, long width) = planes
            ? (input.shape[0] * input.shape[4], input.shape[1] - 1, input.shape[2] - 1, input.shape[3] - 1)
            : input.dim() == 4 ? (input.shape[0], input.shape[1], input.shape[2], input.shape[3]) : (0, -1, 0, 0);
        string shape = $"[{string.Join(", ", input.shape)}]";
        if (channels != _shape.Inputs)
        {
            throw new WorkbookException($"the sparse convolution takes [batch, {_shape.Inputs}, height, width], and the input is {shape}");
        }

        CheckType(input);
        if (!ConvPlan.Fits(_shape, (int)height, (int)width, 16))
        {
            throw TooLarge(input);
        }

        (int y, int x) = _shape.Out((int)height, (int)width);
        return y < 1 || x < 1 ? throw new WorkbookException($"the sparse convolution's kernel is larger than the padded images, and the input is {shape}")
            : (images, (int)height, (int)width);
    }
}
