using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>The parameters of a model that pruning is about: the weights of its layers, not biases or norms.</summary>
public static class Prunable
{
    /// <summary>The weights of two and more dimensions, in the model's order.</summary>
    /// <param name="model">Any TorchSharp module.</param>
    /// <param name="except">Layers (<c>fc3</c>) or parameters (<c>fc3.weight</c>) left out.</param>
    /// <exception cref="WorkbookException">A layer to leave out is not there.</exception>
    public static IReadOnlyList<(string Name, Parameter Weight)> Weights(nn.Module model, IReadOnlyCollection<string>? except = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (string Name, Parameter Weight)[] weights = [.. model.named_parameters()
            .Where(p => p.name.Split('.')[^1].Contains("weight", StringComparison.Ordinal) && p.parameter.dim() > 1)];
        foreach (string name in except ?? [])
        {
            if (!weights.Any(w => Matches(w.Name, name)))
            {
                throw new WorkbookException($"there is no layer '{name}' to leave out; the weights are {string.Join(", ", weights.Select(w => w.Name))}");
            }
        }

        return [.. weights.Where(w => !(except ?? []).Any(name => Matches(w.Name, name)))];
    }

    /// <summary>Refuses tensors that have no values: disposed ones, and those on torch's meta device.</summary>
    /// <param name="what">What the tensor is, e.g. <c>the mask of 'w'</c>.</param>
    /// <param name="tensor">Any tensor, or null.</param>
    /// <exception cref="WorkbookException">It has no values.</exception>
    internal static void RequireValues(string what, Tensor? tensor)
    {
        if (tensor is null || tensor.IsInvalid)
        {
            throw new WorkbookException($"{what} is no tensor any more: it was disposed, or replaced by moving its module to another dtype or device; bind masks after that");
        }

        if (tensor.device_type == TorchSharp.DeviceType.META)
        {
            throw new WorkbookException($"{what} is on the device meta, where tensors have shapes but no values: move it to the CPU or a GPU first");
        }
    }

    private static bool Matches(string parameter, string layerOrParameter) =>
        parameter == layerOrParameter || parameter.StartsWith(layerOrParameter + ".", StringComparison.Ordinal);
}
