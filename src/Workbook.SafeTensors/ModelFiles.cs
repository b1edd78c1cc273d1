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
    /// Copies a file's tensors into a model that has exactly these names and shapes; between floating-point dtypes the
    /// values are converted, as PyTorch does. On any fault the model stays as it was.
    /// </summary>
    /// <param name="model">The model, changed in place, or not at all where the file does not fit.</param>
    /// <param name="path">The file, of this library or another program.</param>
    /// <exception cref="WorkbookException">As <see cref="SafeTensors.Read"/>, or a name is missing, not expected, or of another shape or kind of number.</exception>
    public static void LoadSafeTensors(this nn.Module model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using SafeTensorsFile file = SafeTensors.Read(path);
        Dictionary<string, Tensor> state = model.state_dict();
        string[] faults = [.. Mismatches(state, file)];
        if (faults.Length > 0)
        {
            string more = faults.Length > FaultsShown ? $" and {faults.Length - FaultsShown} more" : "";
            throw new WorkbookException(SafeTensorsFault.OneLine($"{path} does not fit the model: {string.Join("; ", faults.Take(FaultsShown))}{more}"));
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor Into, Tensor Loaded)[] all = [.. state.Select(s => (s.Value, file.Load(s.Key)))];
        foreach ((Tensor into, Tensor loaded) in all)
        {
            into.copy_(loaded);
        }
    }

    private static IEnumerable<string> Mismatches(Dictionary<string, Tensor> state, SafeTensorsFile file)
    {
        if (state.Keys.Where(name => !file.Entries.ContainsKey(name)).ToArray() is { Length: > 0 } missing)
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

            if (!entry.Shape.SequenceEqual(tensor.shape))
            {
                yield return $"{SafeTensorsFault.Quoted(name)} has shape {SafeTensorsFault.Shape(entry.Shape)}, the model's {SafeTensorsFault.Shape(tensor.shape)}";
            }
            else if (entry.Dtype != tensor.dtype && !(is_floating_point(entry.Dtype) && is_floating_point(tensor.dtype)))
            {
                yield return $"{SafeTensorsFault.Quoted(name)} is {entry.Dtype}, the model's {tensor.dtype}";
            }
        }
    }
}
