using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Exchanges the linear layers and the convolutions of a model for sparse ones, and back.</summary>
public static class Sparse
{
    private const int Pairs = 5;
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// Prunes a model by a mask and exchanges, in place, the linear layers and convolutions that are faster sparse on this machine. Make
    /// the optimizer afterwards: the parameters are new ones.
    /// </summary>
    /// <param name="model">Its layers are to be in a Sequential, or in fields declared as <c>nn.Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="mask">Which weights are left; layers that it does not name stay as they are.</param>
    /// <param name="batch">Examples at a time for which the speed counts, 1 or more.</param>
    /// <param name="threads">Managed threads that a sparse layer may take, 1 or more.</param>
    /// <param name="fromSparsity">Exchange from this sparsity on, 0 to 1, without measuring; null to measure each layer for some 20 ms.</param>
    /// <param name="example">An input of the model, whose first example is taken: the size of the images decides what a convolution gains. Without one,
    /// convolutions are not measured and stay as they are.</param>
    /// <returns>What became of each layer, and the mask of those that stay dense.</returns>
    /// <exception cref="WorkbookException">
    /// The mask does not fit the model, a layer is not float32 on the CPU, <paramref name="batch"/> or <paramref name="threads"/> is below 1, or
    /// <paramref name="fromSparsity"/> is not from 0 to 1; the model is as it was.
    /// </exception>
    public static Conversion Convert(nn.Module model, Mask mask, int batch = 64, int threads = 1, double? fromSparsity = null, Tensor? example = null)
    {
        Pruner.CheckSparsity(fromSparsity ?? 0);
        return Exchange(model, mask, batch, threads, fromSparsity is { } from ? (_, sparsity) => sparsity >= from : null, example);
    }

    /// <summary>As <see cref="Convert"/>, where <paramref name="chosen"/> says of a layer and its sparsity whether it is exchanged; null to measure it.
    /// </summary>
    internal static Conversion Exchange(nn.Module model, Mask mask, int batch, int threads, Func<nn.Module, double, bool>? chosen, Tensor? example)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mask);
        if (batch < 1)
        {
            throw new WorkbookException($"the speed counts for 1 example at a time or more, not {batch}");
        }

        SparseLayer.CheckThreads(threads);
        LayerSlot[] slots = [.. LayerSlot.OfDense(model)];
        Dictionary<nn.Module, long[]> images = chosen is null && example is not null ? ImageSizes(model, slots, example) : [];
        HashSet<nint> shared = Shared(model);
        List<ConvertedLayer> layers = [];
        List<(LayerSlot Slot, SparseLayer Layer)> exchanged = [];
        foreach ((string parameter, Tensor kept) in mask)
        {
            string name = parameter == "weight" ? "" : parameter.EndsWith(".weight", StringComparison.Ordinal) ? parameter[..^".weight".Length] : parameter;
            // Everywhere that the layer is: it becomes sparse in all of its places, or in none.
            nn.Module? named = Array.Find(slots, s => parameter == s.Name + ".weight")?.Layer;
            LayerSlot[] places = [.. slots.Where(s => ReferenceEquals(s.Layer, named))];
            string? obstacle = named is null ? "only linear layers and convolutions within a model can be sparse"
                : places.Select(s => s.ObstacleTo(SparseKind(named))).FirstOrDefault(o => o is not null);
            long[]? size = named is Linear linear ? [linear.in_features] : named is null ? null : images.GetValueOrDefault(named);
            obstacle ??= named is Conv2d conv ? ConvShape.Obstacle(conv) : null;
            obstacle ??= named?.parameters(recurse: false).Any(p => shared.Contains(p.Handle)) == true ? "another layer has its weights or biases too" : null;
            obstacle ??= chosen is null && size is null ? "a convolution is measured with an example input of the model: give one" : null;
            double sparsity = mask.SparsityOf(parameter);
            double? speedup = null;
            obstacle ??= chosen?.Invoke(named!, sparsity) == false ? "it is less sparse than asked for" : null;
            if (obstacle is null)
            {
                SparseLayer sparse = SparseOf(named!, kept, threads);
                speedup = chosen is null ? Speedup((nn.Module<Tensor, Tensor>)named!, sparse, [batch, .. size!]) : null;
                obstacle = speedup <= 1 ? "it is faster so" : null;
                if (obstacle is null)
                {
                    exchanged.AddRange(places.Select(s => (s, sparse)));
                }
                else
                {
                    sparse.Dispose();
                }
            }

            layers.Add(new(name, sparsity, speedup, obstacle));
        }

        mask.Apply(model);
        exchanged.ForEach(e => e.Slot.Put(e.Layer));
        IReadOnlyList<string> inPlanes = example is not null && model is nn.Module<Tensor, Tensor> whole && exchanged.Exists(e => e.Layer is SparseConv2d)
            ? Chains.Put(whole, example) : [];
        Mask remaining = new(mask.Zip(layers).Where(l => l.Second.StaysDense is not null).Select(l => l.First));
        remaining.Apply(model); // sparse layers have copied biases, which a mask may name
        return new(layers, remaining) { InPlanes = inPlanes };
    }

    /// <summary>Exchanges the sparse layers of a model for dense ones, in place: for saving it as any other model, or for other tools.</summary>
    /// <returns>Which weights of them are kept.</returns>
    /// <exception cref="WorkbookException">A layer is in a place that takes no other; the model is as it was.</exception>
    public static Mask ToDense(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        List<KeyValuePair<string, Tensor>> kept = [];
        Chains.Remove(model);
        LayerSlot[] slots = [.. LayerSlot.OfSparse(model)];
        if (slots.Select(s => (s.Name, Obstacle: s.ObstacleTo(s.Layer is SparseConv2d ? typeof(Conv2d) : typeof(Linear))))
            .FirstOrDefault(s => s.Obstacle is not null) is { Name: { } name } refused)
        {
            throw new WorkbookException($"{name} can't become dense: {refused.Obstacle}");
        }

        foreach (IGrouping<nn.Module, LayerSlot> places in slots.GroupBy(s => s.Layer))
        {
            SparseLayer sparse = (SparseLayer)places.Key;
            nn.Module<Tensor, Tensor> dense = sparse.ToDense();
            kept.Add(KeyValuePair.Create(places.First().Name + ".weight", sparse.Kept()));
            foreach (LayerSlot place in places)
            {
                place.Put(dense);
            }
        }

        return new Mask(kept);
    }

    /// <summary>Loads a file that a model with sparse layers wrote (<c>SaveSafeTensors</c>) into a dense model of the same make, whose layers become sparse as
    /// the file has them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="threads">Managed threads that a sparse layer may take, 1 or more.</param>
    /// <exception cref="WorkbookException">The file does not fit the model, or can't be read, or <paramref name="threads"/> is below 1; the model is as it
    /// was.</exception>
    public static void Load(nn.Module model, string path, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        SparseLayer.CheckThreads(threads);
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorsFile file = SafeTensors.Read(path);
        List<LayerSlot> exchanged = [];
        try
        {
            // A layer that is in several places is in the file under one of its names.
            foreach (IGrouping<nn.Module, LayerSlot> places in LayerSlot.OfDense(model).GroupBy(s => s.Layer).ToArray())
            {
                if (places.FirstOrDefault(s => file.Names.Contains(s.Name + ".crow_indices")) is not { } slot)
                {
                    continue;
                }

                if (places.Select(s => s.ObstacleTo(SparseKind(slot.Layer))).FirstOrDefault(o => o is not null) is { } obstacle)
                {
                    throw new WorkbookException($"{slot.Name} is sparse in {path}, and can't be so in the model: {obstacle}");
                }

                Tensor weight = slot.Layer is Conv2d conv ? conv.weight : ((Linear)slot.Layer).weight;
                Csr pattern = new((int)(weight.numel() / weight.shape[0]), Numbers(file, slot.Name + ".crow_indices"),
                    Numbers(file, slot.Name + ".col_indices"));
                if (pattern.Rows != weight.shape[0])
                {
                    throw new WorkbookException($"{slot.Name} has {pattern.Rows} outputs in {path}, and {weight.shape[0]} in the model: load "
                        + $"it into a model of the same make");
                }

                SparseLayer sparse = SparseOf(slot.Layer, pattern.Kept().view(weight.shape), threads);
                foreach (LayerSlot place in places)
                {
                    place.Put(sparse);
                    exchanged.Add(place);
                }
            }

            model.LoadSafeTensors(path);
        }
        catch
        {
            foreach (LayerSlot slot in LayerSlot.OfSparse(model).ToArray())
            {
                if (exchanged.Find(e => e.Name == slot.Name) is { } before)
                {
                    slot.Put((nn.Module<Tensor, Tensor>)before.Layer);
                }
            }

            throw;
        }
    }

    private static int[] Numbers(SafeTensorsFile file, string name) => file.Load(name).to(ScalarType.Int32).data<int>().ToArray();

    /// <summary>Time of the dense layer over that of the sparse one.</summary>
    private static double Speedup(nn.Module<Tensor, Tensor> dense, SparseLayer sparse, long[] size)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor input = ones(size);
        return Turns.Ratio(Turns.Take(() => dense.forward(input).Dispose(), () => sparse.forward(input).Dispose(), Pairs, s_turn, calls: 1));
    }

    /// <summary>Parameters that several modules have.</summary>
    private static HashSet<nint> Shared(nn.Module model) => [.. model.modules().Prepend(model).Distinct()
        .SelectMany(module => module.parameters(recurse: false).Select(p => p.Handle).Distinct())
        .GroupBy(handle => handle).Where(g => g.Count() > 1).Select(g => g.Key)];

    private static Type SparseKind(nn.Module dense) => dense is Conv2d ? typeof(SparseConv2d) : typeof(SparseLinear);

    private static SparseLayer SparseOf(nn.Module dense, Tensor kept, int threads) =>
        dense is Conv2d conv ? new SparseConv2d(conv, kept, threads) : new SparseLinear((Linear)dense, kept, threads);

    /// <summary>What the convolutions get of one example, [channels, height, width]: those that are run, and can be exchanged.</summary>
    private static Dictionary<nn.Module, long[]> ImageSizes(nn.Module model, LayerSlot[] slots, Tensor example)
    {
        nn.Module<Tensor, Tensor> whole = model as nn.Module<Tensor, Tensor>
            ?? throw new WorkbookException("layers are measured with an example where a model takes one tensor: give a sparsity instead of the example");
        return CallProbe.CallsOf(whole, slots.Where(s => s.Layer is Conv2d), example.narrow(0, 0, 1))
            .DistinctBy(call => call.Layer).ToDictionary(call => call.Layer, call => call.Shape[^3..]);
    }
}
