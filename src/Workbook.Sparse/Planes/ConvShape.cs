using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a convolution is, whatever the size of its images: everything in pairs (vertical, horizontal).</summary>
/// <param name="Inputs">Channels that go in.</param>
/// <param name="Outputs">Channels that come out.</param>
/// <param name="Groups">Groups of both.</param>
/// <param name="Kernel">Its size.</param>
/// <param name="Stride">Steps from one place to the next.</param>
/// <param name="Padding">Zeros on either side.</param>
/// <param name="Dilation">Steps between what a kernel reads.</param>
internal sealed record ConvShape(
    int Inputs, int Outputs, int Groups, (int Y, int X) Kernel, (int Y, int X) Stride, (int Y, int X) Padding, (int Y, int X) Dilation)
{
    /// <summary>Columns of its matrix: weights of one output channel.</summary>
    internal int Columns => Inputs / Groups * Kernel.Y * Kernel.X;

    /// <summary>Whether planes of activations can stay as they are between it and its neighbours: 3×3 padded by 1, or 1×1, with a stride of 1 or 2.</summary>
    internal bool IsUsual => Dilation == (1, 1) && (Stride == (1, 1) || Stride == (2, 2))
        && ((Kernel == (3, 3) && Padding == (1, 1)) || (Kernel == (1, 1) && Padding == (0, 0)));

    /// <summary>Steps from the first to the last row and column that a kernel reads.</summary>
    internal (int Y, int X) Reach => (Dilation.Y * (Kernel.Y - 1), Dilation.X * (Kernel.X - 1));

    /// <summary>Why a layer has no such shape; null if it has.</summary>
    internal static string? Obstacle(Conv2d conv) => conv.padding_mode != PaddingModes.Zeros ? $"it pads with {conv.padding_mode}, not with zeros"
        : conv.padding_type is { } type && type != TorchSharp.Padding.Valid && Same(conv) is null ? "it pads its two sides differently" : null;

    /// <summary>The shape of a layer that has one.</summary>
    internal static ConvShape Of(Conv2d conv)
    {
        (int, int) padding = conv.padding is { } given ? Pair(given) : conv.padding_type == TorchSharp.Padding.Same ? Same(conv)!.Value : (0, 0);
        return new((int)conv.in_channels, (int)conv.out_channels, (int)conv.groups, Pair(conv.kernel_size), Pair(conv.stride), padding, Pair(conv.dilation));
    }

    /// <summary>The size of what comes out; below 1 where a kernel is larger than the padded image.</summary>
    internal (int Y, int X) Out(int height, int width) =>
        (Floor(height + (2 * Padding.Y) - Reach.Y - 1, Stride.Y) + 1, Floor(width + (2 * Padding.X) - Reach.X - 1, Stride.X) + 1);

    /// <summary>The same by torch's own layers.</summary>
    internal Tensor Dense(Tensor input, Tensor weight, Tensor? bias) => nn.functional.conv2d(input, weight, bias,
        strides: [Stride.Y, Stride.X], padding: [Padding.Y, Padding.X], dilation: [Dilation.Y, Dilation.X], groups: Groups);

    private static (int, int)? Same(Conv2d conv)
    {
        long[] all = [.. conv.dilation.Zip(conv.kernel_size, (d, k) => d * (k - 1))];
        return Array.TrueForAll(all, reach => reach % 2 == 0) ? Pair([.. all.Select(reach => reach / 2)]) : null;
    }

    private static (int, int) Pair(long[] values) => ((int)values[0], (int)values[^1]);

    private static int Floor(int a, int b) => (int)Math.Floor((double)a / b);
}
