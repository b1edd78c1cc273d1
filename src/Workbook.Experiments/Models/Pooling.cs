using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Max pooling 2×2 of images, as the models here have it.</summary>
internal static class Pooling
{
    /// <summary>From so many images at a time on, and without gradients, a model is scored: at smaller batches it is trained, timed or tried out.</summary>
    private const int Many = 256;

    /// <summary>
    /// The greatest of each 2×2, to the bit as by <see cref="MaxPool2d"/>. Of scoring a small convolutional network libtorch's pooling is two thirds of the
    /// time; three maxima take a tenth of that.
    /// </summary>
    /// <param name="images">[batch, channels, height, width].</param>
    /// <param name="pool">What pools else; null for libtorch's function. What stands in for a <see cref="MaxPool2d"/> is left alone.</param>
    /// <returns>[batch, channels, height / 2, width / 2], rounded down.</returns>
    internal static Tensor Halve(Tensor images, nn.Module<Tensor, Tensor>? pool = null)
    {
        if (is_grad_enabled() || images.size(0) < Many || (pool is not null && (pool is not MaxPool2d || Hooks.AreOn(pool))))
        {
            return pool?.call(images) ?? nn.functional.max_pool2d(images, 2);
        }

        using Tensor rows = Greatest(images, 2);
        return Greatest(rows, 3);
    }

    // Of each two neighbours along a dimension.
    private static Tensor Greatest(Tensor images, int dimension)
    {
        long end = images.size(dimension) / 2 * 2;
        using Tensor even = images.slice(dimension, 0, end, 2), odd = images.slice(dimension, 1, end, 2);
        return maximum(even, odd);
    }
}
