using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Models in safetensors files, under the names of PyTorch's state_dict, so that they load there and here.</summary>
public static class ModelFiles
{
    private const int FaultsShown = 3;

    /// <summary>Writes all parameters and buffers of a model, whole or not at all.</summary>
    /// <param name="model">Any module; a pruned one needs nothing special.</param>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="metadata">Texts to keep with them.</param>
    /// <exception cref="WorkbookException">As <see cref="SafeTensors.Write"/>.</exception>
    public static void SaveSafeTensors(this nn.Module model, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        SafeTensors.Write(path, model.state_dict(), metadata);
    }

    /// <summary>
    /// Copies a file's tensors into a model that has exactly these names and shapes. As in PyTorch, values are converted between
    /// floating-point dtypes, a single number may have the shape [1], and the counters of batch norms (num_batches_tracked), which
    /// old and converted files lack, may be missing (the model's own stay) or of any dtype. On any fault the model stays as it was.
    /// </summary>
    /// <param name="model">The model, changed in place, or not at all where the file does not fit.</param>
    /// <param name="path">The file, of this library or another program.</param>
    /// <exception cref="WorkbookException">
    /// As <see cref="SafeTensors.Read"/>, or a name is missing, not expected, or of another shape or kind of number, or a whole
    /// number of the model's would be another one than the file's.
    /// </exception>
    public static void LoadSafeTensors(this nn.Module model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using SafeTensorsFile file = SafeTensors.Read(path);
        Dictionary<string, Tensor> state = model.state_dict();
        Refuse(path, Mismatches(state, file));

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (string Name, Tensor Into, Tensor Loaded)[] all =
            [.. state.Where(s => file.Entries.ContainsKey(s.Key)).Select(s => (s.Key, s.Value, file.Load(s.Key)))];
        Refuse(path, all.Where(t => !IsExact(t.Loaded, t.Into.dtype)).Select(t =>
            $"{SafeTensorsFault.Quoted(t.Name)} holds numbers that are none of {t.Into.dtype}, the model's dtype"));
        foreach ((_, Tensor into, Tensor loaded) in all)
        {
            into.copy_(loaded.reshape(into.shape));
        }
    }

    private static void Refuse(string path, IEnumerable<string> mismatches)
    {
        string[] faults = [.. mismatches];
        if (faults.Length > 0)
        {
            string more = faults.Length > FaultsShown ? $" and {faults.Length - FaultsShown} more" : "";
            throw new WorkbookException($"{path} does not fit the model: {string.Join("; ", faults.Take(FaultsShown))}{more}");
        }
    }

    private static IEnumerable<string> Mismatches(Dictionary<string, Tensor> state, SafeTensorsFile file)
    {
        if (state.Where(s => !file.Entries.ContainsKey(s.Key) && !IsCounter(s.Key, s.Value)).Select(s => s.Key).ToArray() is { Length: > 0 } missing)
        {
            yield return $"it lacks {SafeTensorsFault.List(missing)}";
        }

        if (file.Names.Where(name => !state.ContainsKey(name)).ToArray() is { Length: > 0 } unexpected)
        {
            yield return $"the model has no {SafeTensorsFault.List(unexpected)}";
        }

        foreach ((string name, Tensor tensor) in state)
        {
            if (!file.Entries.TryGetValue(name, out SafeTensorsEntry? entry))
            {
                continue;
            }

            if (!entry.Shape.SequenceEqual(tensor.shape) && !(tensor.dim() == 0 && entry.Shape is [1]))
            {
                yield return $"{SafeTensorsFault.Quoted(name)} has shape {SafeTensorsFault.Shape(entry.Shape)}, the "
                    + $"model's {SafeTensorsFault.Shape(tensor.shape)}";
            }
            else if (!CanBecome(entry.Dtype, tensor.dtype))
            {
                string here = entry.Dtype?.ToString() ?? SafeTensorsFault.Short(entry.DtypeName, 20);
                yield return $"{SafeTensorsFault.Quoted(name)} is {here}, the model's {tensor.dtype}";
            }
        }
    }

    /// <summary>PyTorch's batch norms have it since 0.4.1, and fill it in where a file lacks it.</summary>
    private static bool IsCounter(string name, Tensor tensor) =>
        tensor.dim() == 0 && !is_floating_point(tensor.dtype)
            && (name == "num_batches_tracked" || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));

    /// <summary>Whole numbers of any dtype can be counts; weights of whole numbers are rather another file's.</summary>
    private static bool CanBecome(ScalarType? from, ScalarType into) =>
        from is { } dtype && (dtype == into || is_floating_point(dtype) || !is_floating_point(into)) && !is_complex(into);

    /// <summary>Rounding a fraction is one thing; a counter that becomes another number, or NaN some number, is a fault.</summary>
    private static bool IsExact(Tensor loaded, ScalarType into)
    {
        if (loaded.dtype == into || is_floating_point(into))
        {
            return true;
        }

        // Both ways through float64 and the model's dtype; 2^63 itself would saturate to a number that looks the same as a float.
        Tensor there = loaded.to(into);
        using Scalar bound = Math.ScaleB(1, 63);
        return loaded.to(ScalarType.Float64).abs().lt(bound).logical_and(there.to(loaded.dtype).eq(loaded)).all().item<bool>();
    }
}
