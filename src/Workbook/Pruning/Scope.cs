using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Which weights are ranked against each other: those of each layer, or of all layers together.</summary>
public sealed class Scope
{
    private readonly Func<string, double, double>? _sparsityOf;

    private Scope(bool isGlobal, IReadOnlyList<string> except, Func<string, double, double>? sparsityOf = null) =>
        (IsGlobal, Except, _sparsityOf) = (isGlobal, except, sparsityOf);

    /// <summary>Whether all layers share one ranking.</summary>
    public bool IsGlobal { get; }

    /// <summary>Layers (<c>fc3</c>) or parameters (<c>fc3.weight</c>) that are never pruned; they count neither as kept nor as pruned.</summary>
    public IReadOnlyList<string> Except { get; }

    /// <summary>Parameters beside the layers' weights that are pruned.</summary>
    public IReadOnlyList<string> Included { get; private init; } = [];

    /// <summary>Every layer loses the same fraction.</summary>
    /// <param name="except">Layers that stay whole.</param>
    public static Scope PerLayer(params string[] except) => new(false, except);

    /// <summary>Every layer loses a fraction of its own, e.g. the output layer half of what the others lose.</summary>
    /// <param name="sparsityOf">(parameter, sparsity asked for) → that parameter's sparsity, 0 to 1.</param>
    /// <param name="except">Layers that stay whole.</param>
    public static Scope PerLayer(Func<string, double, double> sparsityOf, params string[] except) => new(false, except, sparsityOf);

    /// <summary>The least worth go wherever they are; layers end with different sparsities.</summary>
    /// <param name="except">Layers that stay whole.</param>
    public static Scope Global(params string[] except) => new(true, except);

    /// <summary>This scope with more parameters: ranked with the weights where the scope is global, each by itself otherwise.</summary>
    /// <param name="parameters">Biases, scales, parameters of the model's own (<c>fc1.bias</c>, <c>pos</c>), or layers with all that they have.</param>
    public Scope Including(params string[] parameters) => new(IsGlobal, Except, _sparsityOf) { Included = [.. Included, .. parameters] };

    /// <summary>E.g. <c>per layer including fc1.bias except fc3</c>.</summary>
    public override string ToString() => (IsGlobal ? "global" : "per layer")
        + (Included.Count > 0 ? $" including {string.Join(", ", Included)}" : "") + (Except.Count > 0 ? $" except {string.Join(", ", Except)}" : "");

    internal double SparsityOf(string parameter, double sparsity) => _sparsityOf?.Invoke(parameter, sparsity) ?? sparsity;

    /// <summary>The parameters in scope, in the model's order.</summary>
    internal IReadOnlyList<(string Name, Parameter Weight)> Of(nn.Module model) => Prunable.Weights(model, Except, Included);
}
