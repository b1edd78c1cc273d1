using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A control for masks that see the inputs.</summary>
public static class Shuffles
{
    /// <summary>
    /// The mask with the kept weights of each input at other output units: as many weights of every input stay as before, so that a pixel that never holds
    /// ink keeps as few. Beside shuffling whole layers (Frankle et al. 2021; Su et al. 2020).
    /// </summary>
    /// <param name="mask">The mask; it stays as it is.</param>
    /// <param name="seed">Same seed, same order; each layer has a stream of its own.</param>
    public static Mask ShuffledWithinColumns(this Mask mask, int seed)
    {
        ArgumentNullException.ThrowIfNull(mask);
        using DisposeScope scope = NewDisposeScope();
        return mask.With(mask.Select(layer =>
        {
            using Generator generator = RandomStream.Of(seed, "shuffle within columns", layer.Key);
            return KeyValuePair.Create(layer.Key, layer.Value.gather(0, rand(layer.Value.shape, generator: generator).argsort(0)));
        }));
    }
}
