using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Activations as sparse convolutions like them: [images / lanes, channels + 1, height + 1, width + 1, lanes]. The first row and column of each plane
/// are zeros, which are the padding of the plane itself and of the one before; so is the last plane. Additions and ReLU leave them so.
/// </summary>
internal static unsafe class Planes
{
    /// <summary>How many images go side by side: a divisor of all, so that no lane is empty.</summary>
    internal static int LanesFor(long images) => images % 16 == 0 ? 16 : images % 8 == 0 ? 8 : Enumerable.Range(1, 15).Last(lanes => images % lanes == 0);

    /// <summary>Whether so many images are worth it: whole vectors go side by side.</summary>
    internal static bool Suit(long images) => images > 0 && images % 8 == 0;

    /// <summary>Planes of images, or images of planes, where a layer is to give planes or not.</summary>
    internal static Tensor Given(Tensor tensor, bool planes) =>
        planes && (Are(tensor) || Suit(tensor.size(0))) ? PlanesFunction.Planes(tensor) : PlanesFunction.Images(tensor);

    /// <summary>Whether a tensor that goes where [n, channels, height, width] is asked for is made of planes.</summary>
    internal static bool Are(Tensor tensor) => tensor.dim() == 5;

    /// <summary>Planes whose images are to be written; the zeros are there.</summary>
    internal static Tensor Empty(long groups, long channels, long height, long width, long lanes)
    {
        Tensor planes = empty([groups, channels + 1, height + 1, width + 1, lanes], ScalarType.Float32);
        Clear(planes);
        return planes;
    }

    /// <summary>Planes of the same sizes whose images are to be written.</summary>
    internal static Tensor EmptyLike(Tensor planes)
    {
        Tensor empty = torch.empty(planes.shape, ScalarType.Float32);
        Clear(empty);
        return empty;
    }

    /// <summary>Numbers that a channel has: images · height · width.</summary>
    internal static long Places(Tensor planes)
    {
        (int groups, _, int rows, int pitch, int lanes) = Sizes(planes);
        return (long)groups * (rows - 1) * (pitch - 1) * lanes;
    }

    /// <summary>Calls with the start, in floats, and the length of each row of a channel, without the zeros.</summary>
    internal static void ForRows(Tensor planes, int channel, Action<nint, int> body)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Sizes(planes);
        for (int g = 0; g < groups; g++)
        {
            nint plane = (((nint)g * (channels + 1)) + channel) * rows * pitch;
            for (int y = 1; y < rows; y++)
            {
                body((plane + ((nint)y * pitch) + 1) * lanes, (pitch - 1) * lanes);
            }
        }
    }

    /// <summary>Gradients by torch's own operations, as slow as a dense layer's and right to any order.</summary>
    /// <param name="operation">From leaves to an output.</param>
    /// <param name="inputs">What it is taken of.</param>
    /// <param name="gradient">Of the output.</param>
    internal static IList<Tensor> ByTorch(Func<Tensor[], Tensor> operation, Tensor[] inputs, Tensor gradient)
    {
        bool further = is_grad_enabled();
        using IDisposable withGraph = enable_grad();
        Tensor[] leaves = [.. inputs.Select(input => input.requires_grad ? input : input.detach().requires_grad_())];
        return autograd.grad([operation(leaves)], leaves, [gradient], retain_graph: further, create_graph: further);
    }

    /// <summary>Makes the zeros zero.</summary>
    internal static void Clear(Tensor planes)
    {
        float* at = FeatureMajor.Pointer(planes);
        (int groups, int channels, int rows, int pitch, int lanes) = Sizes(planes);
        for (int g = 0; g < groups; g++)
        {
            for (int c = 0; c < channels; c++)
            {
                new Span<float>(at, pitch * lanes).Clear();
                for (int y = 0; y < rows; y++)
                {
                    new Span<float>(at + ((nint)y * pitch * lanes), lanes).Clear();
                }

                at += (nint)rows * pitch * lanes;
            }

            new Span<float>(at, rows * pitch * lanes).Clear();
            at += (nint)rows * pitch * lanes;
        }
    }

    /// <summary>Images [n, channels, height, width] to planes.</summary>
    internal static Tensor Of(Tensor images)
    {
        (long n, long channels, int height, int width) = (images.size(0), images.size(1), (int)images.size(2), (int)images.size(3));
        int lanes = LanesFor(n);
        using Tensor rows = images.contiguous();
        Tensor planes = Empty(n / lanes, channels, height, width, lanes);
        Copy(FeatureMajor.Pointer(rows), planes, back: false);
        return planes;
    }

    /// <summary>Planes to images [n, channels, height, width].</summary>
    internal static Tensor ToImages(Tensor planes)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Sizes(planes);
        Tensor images = empty([(long)groups * lanes, channels, rows - 1, pitch - 1], ScalarType.Float32);
        Copy(FeatureMajor.Pointer(images), planes, back: true);
        return images;
    }

    /// <summary>Groups, channels without the last of zeros, rows and columns with the first of zeros, lanes.</summary>
    internal static (int Groups, int Channels, int Rows, int Pitch, int Lanes) Sizes(Tensor planes)
    {
        long[] shape = planes.shape;
        return ((int)shape[0], (int)shape[1] - 1, (int)shape[2], (int)shape[3], (int)shape[4]);
    }

    /// <summary>Copies images [n, channels, height, width] to planes [channels][rows][pitch][lanes] in groups, or back.</summary>
    /// <param name="images">The first.</param>
    /// <param name="planes">The first place of the first plane that an image has.</param>
    /// <param name="size">Groups, channels, rows and columns of the images, and images of a group.</param>
    /// <param name="group">Floats of planes from a group to the next.</param>
    /// <param name="rows">Rows of a plane.</param>
    /// <param name="pitch">Places of a row.</param>
    /// <param name="back">Whether planes become images.</param>
    internal static void Copy(float* images, float* planes, (int Groups, int Channels, int Height, int Width, int Lanes) size, nint group, int rows, int pitch,
        bool back)
    {
        (int groups, int channels, int height, int width, int lanes) = size;
        nint image = (nint)channels * height * width;
        for (int g = 0; g < groups; g++)
        {
            for (int c = 0; c < channels; c++)
            {
                for (int y = 0; y < height; y++)
                {
                    float* line = images + (g * lanes * image) + ((((nint)c * height) + y) * width);
                    float* places = planes + (g * group) + ((((nint)c * rows) + y) * pitch * lanes);
                    if (back)
                    {
                        FeatureMajor.Transpose(places, lanes, line, image, width, lanes);
                    }
                    else
                    {
                        FeatureMajor.Transpose(line, image, places, lanes, lanes, width);
                    }
                }
            }
        }
    }

    private static void Copy(float* images, Tensor planes, bool back)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Sizes(planes);
        Copy(images, FeatureMajor.Pointer(planes) + ((pitch + 1) * lanes), (groups, channels, rows - 1, pitch - 1, lanes),
            (nint)(channels + 1) * rows * pitch * lanes, rows, pitch, back);
    }
}
