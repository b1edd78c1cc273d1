using System.Security.Cryptography;

namespace Workbook;

/// <summary>
/// The built-in data set: handwritten-like digits drawn by code, for machines with neither data nor network.
/// Strokes with random jitter, elastic and affine distortion, pen width, pressure and grain, framed as MNIST's are:
/// ink in 20×20 pixels, centre of mass in the middle of 28×28, empty borders.
/// </summary>
/// <remarks>
/// The difficulty was set by two test accuracies alone and frozen before anything was pruned: a linear softmax model
/// reaches 91.1% (MNIST: 92.4%), LeNet-300-100 98.4% (MNIST: 98.1%), after 4 epochs of SGD with momentum 0.9, batch 128
/// and a cosine schedule from 0.02 and 0.1; at a constant 0.1 LeNet-300-100 reaches 96.5 to 97.2%.
/// </remarks>
public static class Digits
{
    /// <summary>Height and width of an image in pixels.</summary>
    public const int Side = 28;

    /// <summary>The seed of the data set that <see cref="Datasets.Open"/> falls back to.</summary>
    public const long DefaultSeed = 1;

    internal static readonly DigitStyle Style = new(
Turn: 0.20, Slant: 0.25, Stretch: 0.20, Jitter: 0.02, Elastic: 0.15, Thin: 0.8, Thick: 1.8, Grain: 0.15);

    /// <summary>
    /// Draws the data set. An image depends on the seed and its own number alone: the same bytes on every machine and
    /// for any number of threads, and a smaller set is the beginning of a larger one.
    /// </summary>
    /// <param name="seed">Seed of every image.</param>
    /// <param name="train">How many training images.</param>
    /// <param name="test">How many test images.</param>
    /// <param name="source">Why these digits are used; stands in <see cref="ImageSet.Source"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is not in 1 to 1,000,000.</exception>
    public static ImageSet Generate(
        long seed = DefaultSeed, int train = 60_000, int test = 10_000, string source = "built-in digits, drawn by code")
    {
        LabelledImages training = Draw(seed, train, split: 0, Style), testing = Draw(seed, test, split: 1, Style);
        return new ImageSet("digits", "built-in digits", source, ImageSet.HashOf(
            SHA256.HashData(training.Images), SHA256.HashData(training.Labels),
            SHA256.HashData(testing.Images), SHA256.HashData(testing.Labels)), training, testing);
    }

    internal static LabelledImages Draw(long seed, int count, int split, DigitStyle style)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1_000_000);
        byte[] images = new byte[count * Side * Side], labels = new byte[count];
        Parallel.For(0, (count + 255) / 256, () => new DigitPen(style), (block, _, pen) =>
        {
            for (int i = block * 256; i < Math.Min(count, (block + 1) * 256); i++)
            {
                // Odd and even numbers keep training and test apart, whatever their counts.
                var random = new DigitRandom(seed, (2 * i) + split);
                labels[i] = (byte)random.Integer(10);
                pen.Draw(labels[i], random, images.AsSpan(i * Side * Side, Side * Side));
            }

            return pen;
        }, _ => { });
        return new LabelledImages(images, labels, Side, Side);
    }
}
