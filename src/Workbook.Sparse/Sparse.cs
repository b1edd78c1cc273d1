using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Exchanges the linear layers of a model for sparse ones, and back.</summary>
public static class Sparse
{
    private const int Pairs = 5;
    private static readonly TimeSpan s_armTime = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// Prunes a model by a mask and exchanges, in place, the linear layers that are faster sparse on this machine. Make
    /// the optimizer afterwards: the parameters are new ones.
    /// </summary>
    /// <param name="model">Its linear layers are to be in a Sequential, or in fields declared as <c>nn.Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="mask">Which weights are left; layers that it does not name stay as they are.</param>
    /// <param name="batch">Examples at a time for which the speed counts, 1 or more.</param>
    /// <param name="threads">Managed threads that a sparse layer may take, 1 or more.</param>
    /// <param name="fromSparsity">Exchange from this sparsity on, 0 to 1, without measuring; null to measure each layer for some 20 ms.</param>
    /// <returns>What became of each layer, and the mask of those that stay dense.</returns>
    /// <exception cref="WorkbookException">
    /// The mask does not fit the model, a layer is not float32 on the CPU, <paramref name="batch"/> or <paramref name="threads"/> is below 1, or
    /// <paramref name="fromSparsity"/> is not from 0 to 1; the model is as it was.
    /// </exception>
    public static Conversion Convert(nn.Module model, Mask mask, int batch = 64, int threads = 1, double? fromSparsity = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mask);
        if (batch < 1)
        {
            throw new WorkbookException($"the speed counts for 1 example at a time or more, not {batch}");
        }

        SparseLinear.CheckThreads(threads);
        Pruner.CheckSparsity(fromSparsity ?? 0);
        LayerSlot[] slots = [.. LayerSlot.Of<Linear>(model)];
        List<ConvertedLayer> layers = [];
        List<(LayerSlot Slot, SparseLinear Layer)> exchanged = [];
        foreach ((string parameter, Tensor kept) in mask)
        {
            string name = parameter == "weight" ? "" : parameter.EndsWith(".weight", StringComparison.Ordinal) ? parameter[..^".weight".Length] : parameter;
            // Everywhere that the layer is: it becomes sparse in all of its places, or in none.
            nn.Module? named = Array.Find(slots, s => parameter == s.Name + ".weight")?.Layer;
            LayerSlot[] places = [.. slots.Where(s => ReferenceEquals(s.Layer, named))];
            string? obstacle = named is null ? "only linear layers within a model can be sparse"
                : places.Select(s => s.ObstacleTo<SparseLinear>()).FirstOrDefault(o => o is not null);
            double sparsity = mask.SparsityOf(parameter);
            double? speedup = null;
            if (obstacle is null)
            {
                Linear linear = (Linear)named!;
                SparseLinear sparse = new(linear, kept, threads);
                speedup = fromSparsity is null ? Speedup(linear, sparse, batch) : null;
                obstacle = speedup <= 1 ? "it is faster so" : sparsity < fromSparsity ? "it is less sparse than asked for" : null;
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
        Mask remaining = new(mask.Zip(layers).Where(l => l.Second.StaysDense is not null).Select(l => l.First));
        remaining.Apply(model); // sparse layers have copied biases, which a mask may name
        return new(layers, remaining);
    }

    /// <summary>Exchanges the sparse layers of a model for dense ones, in place: for saving it as any other model, or for other tools.</summary>
    /// <returns>Which weights of them are kept.</returns>
    /// <exception cref="WorkbookException">A layer is in a place that takes no other; the model is as it was.</exception>
    public static Mask ToDense(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        List<KeyValuePair<string, Tensor>> kept = [];
        LayerSlot[] slots = [.. LayerSlot.Of<SparseLinear>(model)];
        if (Array.Find(slots, s => s.ObstacleTo<Linear>() is not null) is { } fixedSlot)
        {
            throw new WorkbookException($"{fixedSlot.Name} can't become dense: {fixedSlot.ObstacleTo<Linear>()}");
        }

        foreach (IGrouping<nn.Module, LayerSlot> places in slots.GroupBy(s => s.Layer))
        {
            SparseLinear sparse = (SparseLinear)places.Key;
            Linear linear = sparse.ToLinear();
            kept.Add(KeyValuePair.Create(places.First().Name + ".weight", sparse.Kept()));
            foreach (LayerSlot place in places)
            {
                place.Put(linear);
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
        SparseLinear.CheckThreads(threads);
        using DisposeScope scope = NewDisposeScope();
        using SafeTensorsFile file = SafeTensors.Read(path);
        List<LayerSlot> exchanged = [];
        try
        {
            foreach (LayerSlot slot in LayerSlot.Of<Linear>(model).Where(s => file.Names.Contains(s.Name + ".crow_indices")).ToArray())
            {
                if (slot.ObstacleTo<SparseLinear>() is { } obstacle)
                {
                    throw new WorkbookException($"{slot.Name} is sparse in {path}, and can't be so in the model: {obstacle}");
                }

                Linear linear = (Linear)slot.Layer;
                Csr pattern = new((int)linear.in_features, Numbers(file, slot.Name + ".crow_indices"), Numbers(file, slot.Name + ".col_indices"));
                if (pattern.Rows != linear.out_features)
                {
                    throw new WorkbookException($"{slot.Name} has {pattern.Rows} output features in {path}, and {linear.out_features} in the model: load "
                        + $"it into a model of the same make");
                }

                slot.Put(new SparseLinear(linear, pattern.Kept(), threads));
                exchanged.Add(slot);
            }

            model.LoadSafeTensors(path);
        }
        catch
        {
            foreach (LayerSlot slot in LayerSlot.Of<SparseLinear>(model).ToArray())
            {
                if (exchanged.Find(e => e.Name == slot.Name) is { } before)
                {
                    slot.Put((Linear)before.Layer);
                }
            }

            throw;
        }
    }

    private static int[] Numbers(SafeTensorsFile file, string name) => file.Load(name).to(ScalarType.Int32).data<int>().ToArray();

    /// <summary>Time of the dense layer over that of the sparse one: the median of pairs in turn, of median calls, as other work disturbs single
    /// ones.</summary>
    private static double Speedup(Linear linear, SparseLinear sparse, int batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor input = ones(batch, linear.in_features);
        Time(sparse);
        return Median([.. Enumerable.Range(0, Pairs).Select(_ => Time(linear) / Time(sparse))]);

        double Time(nn.Module<Tensor, Tensor> layer)
        {
            List<double> calls = [];
            for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < s_armTime || calls.Count == 0;)
            {
                TimeSpan start = watch.Elapsed;
                layer.forward(input).Dispose();
                calls.Add((watch.Elapsed - start).TotalSeconds);
            }

            return Median(calls);
        }

        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
