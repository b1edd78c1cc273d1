using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A module of one's own that says which of its parameters are weights: pruned, drawn and decayed as those of torch's layers.</summary>
public interface IWeightedLayer
{
    /// <summary>Those of the module itself, not of modules in it.</summary>
    IEnumerable<Parameter> Weights { get; }
}

/// <summary>The parameters of a model that pruning is about: the weights of its layers, not biases or norms.</summary>
public static class Prunable
{
    internal enum Role
    {
        Weight,
        Bias,
        Other,
    }

    /// <summary>
    /// The weights of torch's layers, of every <see cref="IWeightedLayer"/>, and what other modules call <c>weight</c> if it is a matrix or kernel, in the
    /// model's order. Other parameters of one's own, biases, norms' scales and shifts and PReLU's slopes are prunable where they are named.
    /// </summary>
    /// <param name="model">Any TorchSharp module.</param>
    /// <param name="except">Layers (<c>fc3</c>) or parameters (<c>fc3.weight</c>) left out.</param>
    /// <param name="including">Parameters (<c>fc1.bias</c>, <c>pos</c>), or layers with all of theirs, that are prunable too.</param>
    /// <exception cref="WorkbookException">A layer to leave out, or a parameter to include, is not there.</exception>
    public static IReadOnlyList<(string Name, Parameter Weight)> Weights(
        nn.Module model, IReadOnlyCollection<string>? except = null, IReadOnlyCollection<string>? including = null)
    {
        (string Name, Parameter Parameter, Role Role)[] all = [.. Roles(model)];
        if (including?.FirstOrDefault(name => !all.Any(p => Matches(p.Name, name))) is { } unknown)
        {
            throw new WorkbookException($"there is no parameter '{unknown}' to prune; the parameters are {string.Join(", ", all.Select(p => p.Name))}");
        }

        (string Name, Parameter Weight)[] weights = [.. all.Where(p => p.Role == Role.Weight || (including ?? []).Any(name => Matches(p.Name, name)))
            .Select(p => (p.Name, p.Parameter))];
        return except?.FirstOrDefault(name => !weights.Any(w => Matches(w.Name, name))) is { } missing
            ? throw new WorkbookException($"there is no layer '{missing}' to leave out; the weights are {string.Join(", ", weights.Select(w => w.Name))}")
            : [.. weights.Where(w => !(except ?? []).Any(name => Matches(w.Name, name)))];
    }

    /// <summary>What each parameter is to its layer, in the model's order; one that several modules share is a weight if it is so to one of them.</summary>
    internal static IEnumerable<(string Name, Parameter Parameter, Role Role)> Roles(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        ILookup<IntPtr, Role> roles = model.named_modules().Select(m => m.module).Prepend(model)
            .SelectMany(module => module.named_parameters(false).Select(p => (p.parameter.Handle, Role: RoleOf(module, p.name, p.parameter))))
            .ToLookup(p => p.Handle, p => p.Role);
        return model.named_parameters().Select(p => (p.name, p.parameter, roles[p.parameter.Handle].DefaultIfEmpty(Role.Other).Min()));
    }

    /// <summary>The layer decides, since neither names nor dimensions tell: a norm's scale may have three dimensions, a matrix any name.</summary>
    private static Role RoleOf(nn.Module module, string name, Parameter parameter)
    {
        Role named = name.Contains("bias", StringComparison.Ordinal) ? Role.Bias : name.Contains("weight", StringComparison.Ordinal) ? Role.Weight : Role.Other;
        return module switch
        {
            IWeightedLayer own => own.Weights.Any(w => w.Handle == parameter.Handle) ? Role.Weight : named == Role.Bias ? Role.Bias : Role.Other,
            NormBase or LayerNorm or GroupNorm => named == Role.Bias ? Role.Bias : Role.Other,
            Linear or Convolution or Bilinear or Embedding or EmbeddingBag or RNN or LSTM or GRU or RNNCell or LSTMCell or GRUCell => named,
            // Norms are parts of these, without a module of their own; their scales have one dimension.
            MultiheadAttention or TransformerEncoderLayer or TransformerDecoderLayer or TransformerEncoder or TransformerDecoder or Transformer =>
                named == Role.Weight && parameter.dim() < 2 ? Role.Other : named,
            PReLU => Role.Other,
            // A scale for each channel, [channels, 1, 1], is no kernel.
            _ when name == "weight" && (parameter.dim() == 2 || parameter.shape.Count(size => size > 1) > 1) => Role.Weight,
            _ => name == "bias" ? Role.Bias : Role.Other,
        };
    }

    /// <summary>Refuses tensors that have no values: disposed ones, and those on torch's meta device.</summary>
    /// <param name="what">What the tensor is, e.g. <c>the mask of 'w'</c>.</param>
    /// <param name="tensor">Any tensor, or null.</param>
    /// <exception cref="WorkbookException">It has no values.</exception>
    internal static void RequireValues(string what, Tensor? tensor)
    {
        if (tensor is null || tensor.IsInvalid)
        {
            throw new WorkbookException($"{what} is no tensor any more: it was disposed, or replaced by moving its module to another dtype or device; bind "
                + $"masks after that");
        }

        if (tensor.device_type == TorchSharp.DeviceType.META)
        {
            throw new WorkbookException($"{what} is on the device meta, where tensors have shapes but no values: move it to the CPU or a GPU first");
        }
    }

    private static bool Matches(string parameter, string layerOrParameter) =>
        parameter == layerOrParameter || parameter.StartsWith(layerOrParameter + ".", StringComparison.Ordinal);
}
