namespace Workbook.Pruning;

/// <summary>Among which weights the ranking runs: within each layer, or over all of them.</summary>
public sealed class Scope
{
    private Scope(bool isGlobal, string[] except) => (IsGlobal, Except) = (isGlobal, except);

    /// <summary>Whether all layers share one ranking.</summary>
    public bool IsGlobal { get; }

    /// <summary>Layers (<c>fc3</c>) or parameters (<c>fc3.weight</c>) that are never pruned; they count neither as kept nor as pruned.</summary>
    public IReadOnlyList<string> Except { get; }

    /// <summary>Every layer loses the same fraction.</summary>
    /// <param name="except">Layers that stay whole.</param>
    public static Scope PerLayer(params string[] except) => new(false, except);

    /// <summary>The least worth go wherever they are; layers end with different sparsities.</summary>
    /// <param name="except">Layers that stay whole.</param>
    public static Scope Global(params string[] except) => new(true, except);
}
