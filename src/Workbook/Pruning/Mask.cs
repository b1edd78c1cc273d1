using System.Collections;
using System.Diagnostics.CodeAnalysis;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Which weights are left: parameter name → 0/1 tensor of the parameter's shape. A plain value: it belongs to no
/// model, is never changed, and two masks are equal if they keep the same weights. In a training it is the schedule that never changes it.
/// </summary>
public sealed record Mask : MaskSchedule, IReadOnlyDictionary<string, Tensor>
{
    private const int NamesShown = 8;
    private readonly SortedDictionary<string, Tensor> _kept = new(StringComparer.Ordinal);

    /// <param name="kept">Parameter name → tensor of the parameter's shape, of any dtype and on any device, 1 (or true) where the weight is kept;
    /// copied.</param>
    /// <exception cref="WorkbookException">A name stands twice, or a tensor holds something other than 0 and 1 or no values at all.</exception>
    public Mask(IEnumerable<KeyValuePair<string, Tensor>> kept)
    {
        ArgumentNullException.ThrowIfNull(kept);
        foreach ((string name, Tensor tensor) in kept)
        {
            Prunable.RequireValues($"the mask of '{name}'", tensor);
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            Tensor bits = tensor.detach().to(ScalarType.Bool).cpu();
            if (!bits.to(tensor.dtype).eq(tensor.detach().cpu()).all().item<bool>())
            {
                throw new WorkbookException($"the mask of '{name}' holds values other than 0 and 1");
            }

            if (!_kept.TryAdd(name, bits.clone().DetachFromDisposeScope()))
            {
                throw new WorkbookException($"the mask names '{name}' twice");
            }
        }
    }

    /// <summary>The mask that keeps everything.</summary>
    /// <param name="model">The model whose weights it names.</param>
    /// <param name="except">Layers (<c>fc3</c>) or parameters (<c>fc3.weight</c>) left out of it.</param>
    /// <exception cref="WorkbookException">A layer to leave out is not there.</exception>
    public static Mask Full(nn.Module model, params IReadOnlyCollection<string> except) => Full(model, Scope.PerLayer([.. except]));

    /// <summary>The mask that keeps everything in a scope.</summary>
    /// <param name="model">The model whose weights it names.</param>
    /// <param name="scope">Which of them.</param>
    /// <exception cref="WorkbookException">A layer to leave out, or a parameter to include, is not there.</exception>
    public static Mask Full(nn.Module model, Scope scope)
    {
        ArgumentNullException.ThrowIfNull(scope);
        using DisposeScope tensors = NewDisposeScope();
        return new Mask(scope.Of(model).Select(p => KeyValuePair.Create(p.Name, ones(p.Weight.shape, ScalarType.Bool)))).For(model);
    }

    /// <summary>Reads a mask that <see cref="Save"/> wrote, or one of another program: tensors of 0 and 1 of any dtype in a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A mask of the file's names and shapes, in memory of its own.</returns>
    /// <exception cref="WorkbookException">As <see cref="SafeTensors.Read"/>, or a tensor holds something other than 0 and 1.</exception>
    public static Mask Load(string path)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorsFile file = SafeTensors.Read(path);
        KeyValuePair<string, Tensor>[] kept = [.. file.Names.Select(name => KeyValuePair.Create(name, file.Load(name)))];
        try
        {
            return new Mask(kept);
        }
        catch (WorkbookException e)
        {
            throw new WorkbookException($"{path} is no mask: {e.Message}", e);
        }
    }

    /// <summary>Writes the mask to a safetensors file of bool tensors, whole or not at all.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <exception cref="WorkbookException">The file can't be written.</exception>
    public void Save(string path) => SafeTensors.Write(path, this);

    /// <summary>Parameters of its model that it does not name, matrices first, with their sizes; empty where it was not chosen for a model.</summary>
    public IReadOnlyList<(string Name, long Count)> NotPruned { get; internal init; } = [];

    /// <summary>Weights that the mask names, kept or not.</summary>
    public long Total => _kept.Values.Sum(t => t.numel());

    /// <summary>Weights that it keeps.</summary>
    public long Kept => _kept.Keys.Sum(KeptOf);

    /// <summary>Fraction of the named weights that is pruned, 0 to 1; 0 for an empty mask.</summary>
    public double Sparsity => Total == 0 ? 0 : 1 - ((double)Kept / Total);

    /// <summary>Weights kept of one parameter.</summary>
    /// <param name="name">The parameter, e.g. <c>fc1.weight</c>.</param>
    /// <exception cref="WorkbookException">The mask does not name it.</exception>
    public long KeptOf(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        return this[name].sum().item<long>();
    }

    /// <summary>Fraction of one parameter's weights that is pruned, 0 to 1; 0 for one without weights.</summary>
    /// <param name="name">The parameter, e.g. <c>fc1.weight</c>.</param>
    /// <exception cref="WorkbookException">The mask does not name it.</exception>
    public double SparsityOf(string name) => this[name].numel() is > 0 and var total ? 1 - ((double)KeptOf(name) / total) : 0;

    /// <summary>What both keep; a parameter that only one of them names is kept as that one says.</summary>
    /// <param name="other">Of the same shapes where both name a parameter.</param>
    /// <returns>A new mask; the two stay as they are.</returns>
    /// <exception cref="WorkbookException">The two disagree on a parameter's shape.</exception>
    public Mask Intersect(Mask other)
    {
        ArgumentNullException.ThrowIfNull(other);
        using DisposeScope scope = NewDisposeScope();
        return new Mask(Keys.Union(other.Keys).Select(name => KeyValuePair.Create(name,
            !ContainsKey(name) ? other[name] : !other.ContainsKey(name) ? this[name] : this[name].logical_and(SameShape(name, other[name])))))
        {
            NotPruned = [.. NotPruned.Union(other.NotPruned).Where(p => !ContainsKey(p.Name) && !other.ContainsKey(p.Name))],
        };
    }

    /// <summary>Sets the pruned weights of a model to exactly 0 (<c>prune.remove</c>).</summary>
    /// <param name="model">Of any floating-point dtype, on any device; changed in place.</param>
    /// <exception cref="WorkbookException">As <see cref="Bind"/>.</exception>
    public void Apply(nn.Module model) => Bind(model).Dispose();

    /// <summary>Sets the pruned weights to 0 and ties the mask to the model's parameters, for use at every step of a training.</summary>
    /// <param name="model">The model, on the device and in the dtype in which it is trained.</param>
    /// <returns>To be disposed after the training; the model keeps its zeros.</returns>
    /// <exception cref="WorkbookException">The model lacks a parameter that the mask names, or has it in another shape or without values (on the device
    /// meta).</exception>
    public BoundMask Bind(nn.Module model) => new(this, model);

    /// <summary>The mask of one parameter: bool, shaped as the parameter. Not to be changed.</summary>
    /// <exception cref="WorkbookException">The mask does not name it.</exception>
    public Tensor this[string key] => _kept.TryGetValue(key, out Tensor? tensor) ? tensor
        : throw new WorkbookException($"the mask has no '{key}'; it has {string.Join(", ", Keys)}");

    /// <summary>The parameters that the mask names, in ordinal order.</summary>
    public IEnumerable<string> Keys => _kept.Keys;

    /// <inheritdoc/>
    public IEnumerable<Tensor> Values => _kept.Values;

    /// <inheritdoc/>
    public int Count => _kept.Count;

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _kept.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value) => _kept.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => _kept.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Whether both name the same parameters and keep the same weights.</summary>
    public bool Equals(Mask? other)
    {
        using DisposeScope scope = NewDisposeScope();
        return other is not null && Keys.SequenceEqual(other.Keys)
            && Keys.All(name => this[name].shape.SequenceEqual(other[name].shape) && this[name].eq(other[name]).all().item<bool>());
    }

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Count, Total, Kept);

    /// <summary>E.g. <c>90.0% pruned: fc1.weight 90.0%, fc2.weight 90.0%; not pruned: fc1.bias (300), fc2.bias (100)</c>.</summary>
    public override string ToString() =>
        FormattableString.Invariant(
            $"{Sparsity:P1} pruned: {string.Join(", ", Keys.Select(name => FormattableString.Invariant($"{name} {SparsityOf(name):P1}")))}")
        + (NotPruned.Count == 0 ? "" : $"; not pruned: {string.Join(", ", NotPruned.Take(NamesShown).Select(p => $"{p.Name} ({p.Count})"))}")
        + (NotPruned.Count > NamesShown ? $" and {NotPruned.Count - NamesShown} more ({NotPruned.Skip(NamesShown).Sum(p => p.Count)})" : "");

    /// <inheritdoc/>
    public override Mask Start(nn.Module model) => this;

    /// <summary>The model's parameters that the mask names.</summary>
    /// <exception cref="WorkbookException">As <see cref="Bind"/>.</exception>
    internal IReadOnlyList<(string Name, Parameter Parameter, Tensor Kept)> FitTo(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach ((string name, Tensor kept) in this)
        {
            if (!parameters.TryGetValue(name, out Parameter? parameter))
            {
                throw new WorkbookException($"the model has no parameter '{name}', which the mask names; it has {string.Join(", ", parameters.Keys)}");
            }

            if (!parameter.shape.SequenceEqual(kept.shape))
            {
                throw new WorkbookException($"the mask of '{name}' has shape [{string.Join(", ", kept.shape)}], the parameter "
                    + $"[{string.Join(", ", parameter.shape)}]");
            }

            Prunable.RequireValues($"the parameter '{name}'", parameter);
        }

        return [.. this.Select(m => (m.Key, parameters[m.Key], m.Value))];
    }

    internal Mask With(IEnumerable<KeyValuePair<string, Tensor>> kept) => new(kept) { NotPruned = NotPruned };

    /// <summary>This mask, which then can say what of the model it leaves out.</summary>
    internal Mask For(nn.Module model) => this with
    {
        NotPruned = [.. model.named_parameters().Where(p => !ContainsKey(p.name))
            .OrderBy(p => p.parameter.dim() < 2).Select(p => (p.name, p.parameter.numel()))],
    };

    private Tensor SameShape(string name, Tensor other) => this[name].shape.SequenceEqual(other.shape) ? other
        : throw new WorkbookException($"the masks of '{name}' have different shapes: [{string.Join(", ", this[name].shape)}] and "
            + $"[{string.Join(", ", other.shape)}]");
}
