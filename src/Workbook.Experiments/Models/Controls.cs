using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a winning ticket has to beat, each by changing one thing about it.</summary>
public static class Controls
{
    /// <summary>
    /// The mask with the kept weights of each layer at random places: a random mask with the ticket's per-layer
    /// sparsities (Frankle et al. 2021, "shuffle").
    /// </summary>
    /// <param name="mask">The ticket's mask; it stays as it is.</param>
    /// <param name="seed">Same seed, same places; each layer has a stream of its own.</param>
    public static Mask Shuffled(this Mask mask, int seed)
    {
        ArgumentNullException.ThrowIfNull(mask);
        using DisposeScope scope = NewDisposeScope();
        return mask.With(mask.Select(layer =>
        {
            using Generator generator = RandomStream.Of(seed, "shuffle", layer.Key);
            Tensor order = randperm(layer.Value.numel(), generator: generator);
            return KeyValuePair.Create(layer.Key, layer.Value.flatten()[order].reshape(layer.Value.shape));
        }));
    }

    /// <summary>
    /// Keeps each weight's sign and gives all of a layer the same magnitude, the standard deviation of the layer's
    /// initialization (Zhou et al. 2019, "signed constant").
    /// </summary>
    /// <param name="model">The network with the ticket's first weights, changed in place; parameters that the mask does not name stay.</param>
    /// <param name="mask">What is left of it: the deviation is taken over all weights of a layer, pruned ones included.</param>
    /// <exception cref="WorkbookException">The model lacks a parameter that the mask names.</exception>
    public static void SignedConstant(nn.Module model, Mask mask)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(mask);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        // The deviation of a single weight is not a number: it has its magnitude already.
        foreach ((_, Parameter weight, _) in mask.FitTo(model).Where(m => m.Parameter.numel() > 1))
        {
            weight.copy_(weight.sign().mul(weight.std()));
        }

        mask.Apply(model);
    }
}
