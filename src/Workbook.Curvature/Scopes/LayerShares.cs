using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Per-layer sparsities that depend on the layers' shapes alone. Over all layers exactly as many weights stay as are asked for; where a layer would pass
/// density 1, it stays dense and the others make room.
/// </summary>
public static class LayerShares
{
    /// <summary>
    /// Erdős–Rényi (Mocanu et al. 2018, SET): a layer's density is in proportion to (n_in + n_out) / (n_in · n_out).
    /// </summary>
    /// <param name="model">The model whose layers they are.</param>
    /// <param name="except">Layers that stay whole and do not count.</param>
    /// <exception cref="WorkbookException">A layer to leave out is not there.</exception>
    public static Scope ErdosRenyi(nn.Module model, params string[] except) =>
        Of(model, except, weight => (weight.shape[0] + Inputs(weight)) * Kernel(weight), "ER");

    /// <summary>
    /// Erdős–Rényi with kernels (Evci et al. 2020, RigL): in proportion to (n_in + n_out + k_h + k_w) / (n_in · n_out · k_h · k_w); for a linear layer the
    /// same as <see cref="ErdosRenyi"/>.
    /// </summary>
    /// <inheritdoc cref="ErdosRenyi"/>
    public static Scope ErdosRenyiKernel(nn.Module model, params string[] except) => Of(model, except, weight => weight.shape.Sum(), "ERK");

    /// <summary>
    /// Uniform+ (Gale et al. 2019): the first convolution stays dense, the last layer loses at most 80 %, the others share the rest evenly.
    /// </summary>
    /// <inheritdoc cref="ErdosRenyi"/>
    public static Scope UniformPlus(nn.Module model, params string[] except)
    {
        (string Name, Parameter Weight)[] layers = [.. Prunable.Weights(model, except)];
        string? first = layers.FirstOrDefault(l => l.Weight.dim() > 2).Name;
        string? last = layers.Length > 0 ? layers[^1].Name : null;
        return Scope.PerLayer(Cached(layers, sparsity =>
        {
            double budget = Budget(layers, sparsity), even = 1 - sparsity;
            double[] shares = [.. layers.Select(l => l.Name == first ? 1 : l.Name == last ? Math.Max(MostOfTheLast, even) : double.NaN)];
            double taken = layers.Zip(shares).Where(l => !double.IsNaN(l.Second)).Sum(l => l.Second * l.First.Weight.numel());
            double others = layers.Zip(shares).Where(l => double.IsNaN(l.Second)).Sum(l => l.First.Weight.numel());
            return taken > budget ? throw new WorkbookException(FormattableString.Invariant(
                    $"Uniform+ keeps {taken:F0} weights of the first convolution and the last layer, more than the {budget:F0} of a sparsity of {sparsity:P2}"))
                : [.. shares.Select(share => double.IsNaN(share) ? (budget - taken) / others : share)];
        }), except);
    }

    private const double MostOfTheLast = 0.2;

    private static long Inputs(Parameter weight) => weight.dim() > 1 ? weight.shape[1] : 1;

    private static long Kernel(Parameter weight) => weight.shape.Skip(2).Aggregate(1L, (a, b) => a * b);

    private static double Budget((string Name, Parameter Weight)[] layers, double sparsity)
    {
        long total = layers.Sum(l => l.Weight.numel());
        return total - (long)Math.Round(sparsity * total, MidpointRounding.ToEven);
    }

    /// <param name="model">The model.</param>
    /// <param name="except">Left out.</param>
    /// <param name="weights">What the weights that a layer keeps are in proportion to.</param>
    /// <param name="name">The rule's.</param>
    private static Scope Of(nn.Module model, string[] except, Func<Parameter, double> weights, string name)
    {
        (string Name, Parameter Weight)[] layers = [.. Prunable.Weights(model, except)];
        double[] parts = [.. layers.Select(l => weights(l.Weight))];
        return Scope.PerLayer(Cached(layers, sparsity =>
        {
            double[] shares = new double[layers.Length];
            double budget = Budget(layers, sparsity);
            while (true)
            {
                double scale = (budget - layers.Zip(shares).Where(l => l.Second == 1).Sum(l => l.First.Weight.numel()))
                    / parts.Where((_, i) => shares[i] != 1).Sum();
                int[] over = [.. Enumerable.Range(0, layers.Length).Where(i => shares[i] != 1 && scale * parts[i] >= layers[i].Weight.numel())];
                if (over.Length == 0)
                {
                    return [.. shares.Select((share, i) => share == 1 ? 1 : scale * parts[i] / layers[i].Weight.numel())];
                }

                Array.ForEach(over, i => shares[i] = 1);
            }
        }), except);
    }

    /// <summary>(parameter, sparsity) → its sparsity, such that whole numbers of weights add up to the budget: the largest remainders get one more.</summary>
    private static Func<string, double, double> Cached((string Name, Parameter Weight)[] layers, Func<double, double[]> shares)
    {
        System.Collections.Concurrent.ConcurrentDictionary<double, Dictionary<string, double>> known = new();
        long[] sizes = [.. layers.Select(l => l.Weight.numel())];
        return (name, sparsity) =>
        {
            Pruner.CheckSparsity(sparsity);
            return known.GetOrAdd(sparsity, _ =>
            {
                double[] exact = [.. shares(sparsity).Zip(sizes, (share, size) => share * size)];
                long[] kept = [.. exact.Zip(sizes, (e, size) => Math.Min(size, (long)Math.Floor(e + 1e-9)))];
                long missing = (long)Budget(layers, sparsity) - kept.Sum();
                foreach (int i in Enumerable.Range(0, kept.Length).Where(i => kept[i] < sizes[i]).OrderByDescending(i => exact[i] - kept[i]).Take((int)missing))
                {
                    kept[i]++;
                }

                return layers.Select((l, i) => KeyValuePair.Create(l.Name, 1 - ((double)kept[i] / sizes[i]))).ToDictionary();
            }).TryGetValue(name, out double own) ? own
                : throw new WorkbookException($"the layers' shares were taken of another model: it has no '{name}', but "
                    + string.Join(", ", layers.Select(l => l.Name)));
        };
    }
}
