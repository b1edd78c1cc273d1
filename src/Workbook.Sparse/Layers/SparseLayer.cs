using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A layer that keeps and multiplies the weights its mask leaves, and no others, in compressed sparse rows. On the CPU, in float32.</summary>
/// <remarks>
/// State, in PyTorch's terms for CSR: <c>values</c> [kept weights], <c>bias</c> [out], <c>crow_indices</c> [out + 1],
/// <c>col_indices</c> [kept weights].
/// </remarks>
public abstract class SparseLayer : nn.Module<Tensor, Tensor>, ICompressedLayer
{
    [ComponentName(Name = "values")]
    private protected readonly Parameter _values;
    [ComponentName(Name = "bias")]
    private protected readonly Parameter? _bias;
    [ComponentName(Name = "crow_indices")]
    private protected readonly Tensor _starts;
    [ComponentName(Name = "col_indices")]
    private protected readonly Tensor _columns;
    private readonly Lock _reading = new();
    private volatile Csr _pattern;
    private volatile bool _handedOut;

    /// <param name="name">Of the kind.</param>
    /// <param name="weight">[out, ..]: copied where it is kept.</param>
    /// <param name="ofLayer">[out] or null: copied.</param>
    /// <param name="kept">Of the weight's shape, 1 (or true) where a weight is kept.</param>
    /// <param name="threads">Managed threads that a large product may take, 1 or more.</param>
    private protected SparseLayer(string name, Tensor weight, Tensor? ofLayer, Tensor kept, int threads)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(kept);
        CheckThreads(threads);
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
        _pattern = Csr.Of(bits, (int)weight.shape[0], (int)(weight.numel() / Math.Max(1, weight.shape[0])));
        _values = new Parameter(weight.detach().masked_select(bits).DetachFromDisposeScope(), weight.requires_grad);
        _bias = ofLayer is { } b ? new Parameter(b.detach().clone().DetachFromDisposeScope(), b.requires_grad) : null;
        _starts = tensor(_pattern.Starts).DetachFromDisposeScope();
        _columns = tensor(_pattern.Column).DetachFromDisposeScope();
        Threads = threads;
    }

    /// <summary>Managed threads that a large product may take.</summary>
    public int Threads { get; }

    /// <summary>The kept weights, row after row.</summary>
    public Parameter Values => _values;

    /// <summary>One number an output; null for a layer without.</summary>
    public Parameter? Bias => _bias;

    /// <summary>Fraction of the weights that is pruned, 0 to 1.</summary>
    public double Sparsity => 1 - ((double)_pattern.Column.Length / Math.Max(1, (long)_pattern.Columns * _pattern.Rows));

    /// <inheritdoc/>
    public Action<long>? OnRows { get; set; }

    /// <inheritdoc/>
    long ICompressedLayer.Rows => _pattern.Rows;

    /// <inheritdoc/>
    long ICompressedLayer.Columns => _pattern.Columns;

    /// <summary>Which weights are kept.</summary>
    /// <returns>Bool, of the dense weight's shape; it belongs to the caller (or the dispose scope).</returns>
    public Tensor Kept()
    {
        using Tensor matrix = _pattern.Kept();
        return matrix.reshape(WeightShape);
    }

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

    /// <summary>The kept weights' places.</summary>
    internal Csr Places => Pattern;

    /// <summary>The dense layer with these weights, and zeros where they were pruned.</summary>
    internal abstract nn.Module<Tensor, Tensor> ToDense();

    /// <summary>Of the dense layer's weight.</summary>
    private protected abstract long[] WeightShape { get; }

    /// <summary>The kept weights' places; read anew where the state was handed out, as another layer's may have been copied into it.</summary>
    private protected Csr Pattern => _handedOut ? Reread() : _pattern;

    /// <summary>The weights with zeros where they were pruned, and the biases, as a dense layer's.</summary>
    private protected (Parameter Weight, Parameter? Bias) Dense()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor weight = Scattered(_pattern).detach();
        return (new Parameter(weight.DetachFromDisposeScope(), _values.requires_grad),
            _bias is null ? null : new Parameter(_bias.detach().clone().DetachFromDisposeScope(), _bias.requires_grad));
    }

    /// <summary>The weights among zeros, as autograd sees them.</summary>
    private protected Tensor Scattered(Csr pattern) =>
        zeros((long)pattern.Rows * pattern.Columns).scatter(0, pattern.Positions(), _values).view(WeightShape);

    /// <summary>Whether a call is to leave a graph.</summary>
    private protected bool NeedsGraph(Tensor input) => is_grad_enabled() && (_values.requires_grad || input.requires_grad || _bias is { requires_grad: true });

    private protected void CheckType(Tensor input)
    {
        if (input.dtype != ScalarType.Float32 || input.device_type != DeviceType.CPU)
        {
            throw new WorkbookException($"the sparse layer takes float32 on the CPU, and the input is {input.dtype} on {input.device}: convert it with "
                + $".to(ScalarType.Float32).cpu()");
        }

        if (_values.dtype != ScalarType.Float32 || _values.device_type != DeviceType.CPU)
        {
            throw new WorkbookException($"sparse layers are float32 on the CPU, and this one was made {_values.dtype} on {_values.device}: convert it back "
                + $"with .to(ScalarType.Float32).cpu()");
        }
    }

    private protected static WorkbookException TooLarge(Tensor input) =>
        new($"an input of [{string.Join(", ", input.shape)}] is too large at once for the sparse layer: take it in smaller batches");

    private Csr Reread()
    {
        lock (_reading)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] starts = Numbers(_starts), column = Numbers(_columns);
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
