using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A linear layer, y = x·Wᵀ + b, that keeps and multiplies the weights its mask leaves, and no others: compressed
/// sparse rows, forward and backward in C#. Any optimizer trains it, over the kept weights alone; what is pruned is
/// 0 because it does not exist. On the CPU, in float32.
/// </summary>
/// <remarks>
/// State, in PyTorch's terms for CSR: <c>values</c> [kept weights], <c>bias</c> [out], <c>crow_indices</c> [out + 1],
/// <c>col_indices</c> [kept weights]. Outputs are [.., out] over memory in which the batch runs fastest (strides (1, batch)):
/// element-wise operations keep that, and the next sparse layer need not rearrange anything. Gradients of gradients
/// (<c>create_graph</c>) are exact, at a dense layer's speed. A change in place of an input or of the weights between
/// forward and backward, which torch's own layers refuse, shows as NaN in the gradients.
/// </remarks>
public sealed class SparseLinear : nn.Module<Tensor, Tensor>, ICompressedLayer
{
    // Named as in the state_dict.
    private readonly Parameter values;
    private readonly Parameter? bias;
    private readonly Tensor crow_indices, col_indices;
    private readonly Lock _reading = new();
    private volatile Csr _pattern;
    private volatile bool _handedOut;

    /// <param name="linear">The layer whose weights and biases are copied; it stays as it is.</param>
    /// <param name="kept">[out, in], 1 (or true) where a weight is kept: <c>mask["fc1.weight"]</c>. A kept weight of 0 counts as kept.</param>
    /// <param name="threads">Managed threads that a large product may take, 1 or more.</param>
    /// <exception cref="WorkbookException">
    /// The mask has another shape or holds something other than 0 and 1, the layer is not float32 on the CPU, or <paramref name="threads"/> is below 1.
    /// </exception>
    public SparseLinear(Linear linear, Tensor kept, int threads = 1)
        : base(nameof(SparseLinear))
    {
        ArgumentNullException.ThrowIfNull(linear);
        ArgumentNullException.ThrowIfNull(kept);
        CheckThreads(threads);
        Tensor weight = linear.weight;
        if (!weight.shape.SequenceEqual(kept.shape))
        {
            throw new WorkbookException($"the mask has shape [{string.Join(", ", kept.shape)}], the layer's weight [{string.Join(", ", weight.shape)}]");
        }

        if (weight.dtype != ScalarType.Float32 || weight.device_type != DeviceType.CPU)
        {
            throw new WorkbookException($"sparse layers are float32 on the CPU, and this one is {weight.dtype} on {weight.device}: convert it with "
                + $".to(ScalarType.Float32).cpu() first");
        }

        if (weight.numel() > int.MaxValue)
        {
            throw new WorkbookException($"a sparse layer takes up to {int.MaxValue:N0} weights, and this one has {weight.numel():N0}");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor bits = new Mask([KeyValuePair.Create("weight", kept)])["weight"].contiguous();
        _pattern = Csr.Of(bits, (int)weight.shape[0], (int)weight.shape[1]);
        values = new Parameter(weight.detach().masked_select(bits).DetachFromDisposeScope(), weight.requires_grad);
        bias = linear.bias is { } b ? new Parameter(b.detach().clone().DetachFromDisposeScope(), b.requires_grad) : null;
        crow_indices = tensor(_pattern.Starts).DetachFromDisposeScope();
        col_indices = tensor(_pattern.Column).DetachFromDisposeScope();
        Threads = threads;
        RegisterComponents();
    }

    /// <summary>Features that go in.</summary>
    public int InFeatures => _pattern.Columns;

    /// <summary>Features that come out.</summary>
    public int OutFeatures => _pattern.Rows;

    /// <summary>Managed threads that a large product may take.</summary>
    public int Threads { get; }

    /// <summary>The kept weights, row after row.</summary>
    public Parameter Values => values;

    /// <summary>One number an output feature; null for a layer without.</summary>
    public Parameter? Bias => bias;

    /// <summary>Fraction of the weights that is pruned, 0 to 1.</summary>
    public double Sparsity => 1 - ((double)_pattern.Column.Length / Math.Max(1, (long)InFeatures * OutFeatures));

    /// <summary>Is shown each input, for counting: hooks run for <c>call</c> only, not for <c>forward</c>.</summary>
    public Action<Tensor>? OnInput { get; set; }

    /// <param name="input">[.., in], float32 on the CPU, of any strides.</param>
    /// <returns>[.., out].</returns>
    /// <exception cref="WorkbookException">The input has another number of features, dtype or device.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Csr pattern = _handedOut ? Reread() : _pattern;
        Check(input, pattern);
        OnInput?.Invoke(input);
        if (input.dim() == 2)
        {
            return Apply(input, pattern);
        }

        using DisposeScope scope = NewDisposeScope();
        return Apply(input.reshape(-1, pattern.Columns), pattern).reshape([.. input.shape[..^1], pattern.Rows]).MoveToOuterDisposeScope();
    }

    /// <summary>The dense layer with these weights, and zeros where they were pruned.</summary>
    public Linear ToLinear()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor weight = zeros((long)OutFeatures * InFeatures).scatter(0, _pattern.Positions(), values.detach()).view(OutFeatures, InFeatures);
        return nn.Linear(new Parameter(weight.DetachFromDisposeScope(), values.requires_grad),
            bias is null ? null : new Parameter(bias.detach().clone().DetachFromDisposeScope(), bias.requires_grad));
    }

    /// <summary>Which weights are kept.</summary>
    /// <returns>Bool [out, in]; it belongs to the caller (or the dispose scope).</returns>
    public Tensor Kept() => _pattern.Kept();

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
    {
        _handedOut = true;
        return base.state_dict(destination, prefix);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
    {
        _handedOut = true;
        return base.named_buffers(recurse, include_nonpersistent);
    }

    internal static void CheckThreads(int threads)
    {
        if (threads < 1)
        {
            throw new WorkbookException($"a sparse layer takes 1 thread or more, not {threads}");
        }
    }

    private Tensor Apply(Tensor input, Csr pattern)
    {
        if (is_grad_enabled() && (values.requires_grad || input.requires_grad || bias is { requires_grad: true }))
        {
            return SparseFunction.apply(input, values, bias!, new SparseCall(pattern, Threads, input.requires_grad, bias is not null));
        }

        using Tensor memory = FeatureMajor.Of(input);
        return SparseFunction.Product(pattern, memory, values, bias, Threads, Kernels.Widest);
    }

    private void Check(Tensor input, Csr pattern)
    {
        if (input.dim() == 0 || input.size(-1) != pattern.Columns)
        {
            throw new WorkbookException($"the sparse layer takes [.., {pattern.Columns}], and the input is [{string.Join(", ", input.shape)}]");
        }

        if (input.dtype != ScalarType.Float32 || input.device_type != DeviceType.CPU)
        {
            throw new WorkbookException($"the sparse layer takes float32 on the CPU, and the input is {input.dtype} on {input.device}: convert it with "
                + $".to(ScalarType.Float32).cpu()");
        }

        if (values.dtype != ScalarType.Float32 || values.device_type != DeviceType.CPU)
        {
            throw new WorkbookException($"sparse layers are float32 on the CPU, and this one was made {values.dtype} on {values.device}: convert it back "
                + $"with .to(ScalarType.Float32).cpu()");
        }

        if (input.numel() / Math.Max(1, pattern.Columns) * Math.Max(pattern.Rows, pattern.Columns) > int.MaxValue / sizeof(float))
        {
            throw new WorkbookException($"an input of [{string.Join(", ", input.shape)}] is too large at once for the sparse layer: take it in smaller "
                + $"batches");
        }
    }

    /// <summary>
    /// The state was handed out, and whoever took it may have copied another layer's state into it. What is now there is
    /// checked and taken over.
    /// </summary>
    private Csr Reread()
    {
        lock (_reading)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] starts = Numbers(crow_indices), column = Numbers(col_indices);
            if (!starts.AsSpan().SequenceEqual(_pattern.Starts) || !column.AsSpan().SequenceEqual(_pattern.Column))
            {
                _pattern = new Csr(_pattern.Columns, starts, column);
            }

            _handedOut = false;
            return _pattern;
        }

        static int[] Numbers(Tensor indices) => indices.to(ScalarType.Int32).cpu().data<int>().ToArray();
    }
}
