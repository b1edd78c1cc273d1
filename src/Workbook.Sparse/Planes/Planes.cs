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

    /// <summary>Whether a tensor that goes where [n, channels, height, width] is asked for is made of planes.</summary>
    internal static bool Are(Tensor tensor) => tensor.dim() == 5;

    /// <summary>Planes whose images are to be written; the zeros are there.</summary>
    internal static Tensor Empty(long groups, long channels, long height, long width, long lanes)
    {
        Tensor planes = empty([groups, channels + 1, height + 1, width + 1, lanes], ScalarType.Float32);
        Clear(planes);
        return planes;
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
