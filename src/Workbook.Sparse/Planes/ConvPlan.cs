using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A convolution over images of one size: where everything lies. Images are in groups of <see cref="Lanes"/>, which run fastest; a plane is
/// [rows][pitch][lanes], and a weight one offset into the planes that go in. With a stride of s the image is taken apart into s² planes, each of
/// every s-th row and column, over which the stride is 1. Rows share the zeros between them.
/// </summary>
/// <remarks>After Park et al. 2017 (SkimCaffe): a sparse convolution is a product whose column indices are offsets into the padded input.</remarks>
internal sealed class ConvPlan
{
    private readonly ConvShape _shape;
    private readonly (int Y, int X) _padding, _first, _phases;

    /// <param name="shape">The convolution.</param>
    /// <param name="pattern">Its kept weights, [outputs, inputs / groups · kernel].</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="lanes">Images in a group.</param>
    /// <param name="shared">Whether planes are those of <see cref="Planes"/>, for a layer whose shape is usual.</param>
    internal ConvPlan(ConvShape shape, Csr pattern, int height, int width, int lanes, bool shared)
    {
        (_shape, Height, Width, Lanes, IsShared) = (shape, height, width, lanes, shared);
        // Among planes with one zero around, a kernel of 1×1 is the middle of one of 3×3.
        (_padding, _first) = shared && shape.Kernel == (1, 1) ? ((1, 1), (1, 1)) : (shape.Padding, (0, 0));
        (int Y, int X) reach = shared ? (2, 2) : shape.Reach;
        _phases = shape.Stride;
        (OutHeight, OutWidth) = shape.Out(height, width);
        int padded = width + (2 * _padding.X);
        Pitch = _phases.X == 1 ? Math.Max(width + _padding.X, OutWidth) : Up(padded, _phases.X);
        int phaseRows = Up(height + (2 * _padding.Y), _phases.Y);
        bool whole = _phases == (1, 1);
        InRows = shared && whole ? height + 1 : phaseRows;
        InChannels = shape.Inputs * _phases.Y * _phases.X;
        InGroup = Group(InChannels, InRows, shared && whole);

        // What the gradient of an input reads: before the first place of the output as far as a kernel reaches, less what is padding.
        (int Y, int X) start = (_phases.Y == 1 ? _padding.Y : 0, _phases.X == 1 ? _padding.X : 0);
        (int Y, int X) margin = (Math.Max(0, (reach.Y / _phases.Y) - start.Y), Math.Max(0, (reach.X / _phases.X) - start.X));
        (int Y, int X) size = (_phases.Y == 1 ? height : phaseRows, _phases.X == 1 ? width : Pitch);
        GradientRows = shared ? OutHeight + 1 : margin.Y + Math.Max(OutHeight, start.Y + size.Y);
        GradientOrigin = ((margin.Y * Pitch) + margin.X) * lanes;
        GradientGroup = Group(shape.Outputs, GradientRows, shared);
        InputGradientRows = shared && whole ? height + 1 : size.Y;
        InputGradientOrigin = shared && whole ? (Pitch + 1) * lanes : 0;
        InputGradientGroup = Group(InChannels, InputGradientRows, shared && whole);
        InputGradientRun = (((size.Y - 1) * Pitch) + size.X) * lanes;
        Run = (((OutHeight - 1) * Pitch) + OutWidth) * lanes;

        List<(int Row, int Inner, int At, int Number)> forward = new(pattern.Column.Length), backward = new(pattern.Column.Length);
        (int perGroup, int outPerGroup) = (shape.Inputs / shape.Groups, shape.Outputs / shape.Groups);
        for (int o = 0; o < pattern.Rows; o++)
        {
            for (int k = pattern.Starts[o]; k < pattern.Starts[o + 1]; k++)
            {
                (int inner, int place) = Math.DivRem(pattern.Column[k], shape.Kernel.Y * shape.Kernel.X);
                (int ky, int kx) = Math.DivRem(place, shape.Kernel.X);
                (int y, int x) = ((ky * shape.Dilation.Y) + _first.Y, (kx * shape.Dilation.X) + _first.X);
                int channel = (((o / outPerGroup * perGroup) + inner) * _phases.Y * _phases.X) + (y % _phases.Y * _phases.X) + (x % _phases.X);
                (y, x) = (y / _phases.Y, x / _phases.X);
                forward.Add((o, channel, (((channel * InRows) + y) * Pitch + x) * lanes, k));
                backward.Add((channel, o, (((o * GradientRows) + start.Y - y + margin.Y) * Pitch + start.X - x + margin.X) * lanes, k));
            }
        }

        Forward = WalkOf(forward, pattern.Rows, InChannels, InRows * Pitch * lanes, lanes);
        Backward = WalkOf(backward, InChannels, pattern.Rows, GradientRows * Pitch * lanes, lanes);
    }

    internal int Height { get; }

    internal int Width { get; }

    internal int Lanes { get; }

    /// <summary>Whether its planes are those that stay between layers.</summary>
    internal bool IsShared { get; }

    internal int OutHeight { get; }

    internal int OutWidth { get; }

    /// <summary>Places from a row to the next, of every plane.</summary>
    internal int Pitch { get; }

    /// <summary>Floats that each weight is multiplied with, in a group of images.</summary>
    internal int Run { get; }

    /// <summary>The same of the transposed product.</summary>
    internal int InputGradientRun { get; }

    internal int InChannels { get; }

    internal int InRows { get; }

    /// <summary>Floats from a group of images to the next, of what goes in.</summary>
    internal int InGroup { get; }

    internal int GradientRows { get; }

    /// <summary>Where the first place of a plane is; also of the output, where its planes stay.</summary>
    internal int GradientOrigin { get; }

    internal int GradientGroup { get; }

    internal int InputGradientRows { get; }

    internal int InputGradientOrigin { get; }

    internal int InputGradientGroup { get; }

    internal Walk Forward { get; }

    internal Walk Backward { get; }

    /// <summary>Whether images are taken apart before they are read.</summary>
    internal bool HasPhases => _phases != (1, 1);

    /// <summary>Whether offsets are numbers of 32 bits.</summary>
    internal static bool Fits(ConvShape shape, int height, int width, int lanes)
    {
        (int y, int x) = shape.Out(height, width);
        long rows = Math.Max(height, y) + shape.Padding.Y + shape.Stride.Y + shape.Reach.Y, columns = Math.Max(width, x) + shape.Padding.X + shape.Stride.X;
        return (Math.Max(shape.Inputs, shape.Outputs) + 2L) * rows * (columns + shape.Reach.X) * lanes < int.MaxValue;
    }

    /// <summary>Images [n, channels, height, width] to planes, taken apart where there is a stride.</summary>
    internal unsafe Tensor Pack(Tensor images)
    {
        using Tensor rows = images.contiguous();
        return Split(FeatureMajor.Pointer(rows), (int)(images.size(0) / Lanes), stay: false);
    }

    /// <summary>The planes that stay to those that are taken apart.</summary>
    internal unsafe Tensor Split(Tensor planes) => Split(FeatureMajor.Pointer(planes), (int)planes.size(0), stay: true);

    /// <summary>What <see cref="Pack"/> and <see cref="Split(Tensor)"/> took apart, for the gradients of the inputs.</summary>
    internal unsafe Tensor Join(float* phases, int groups, bool stay)
    {
        Tensor result = stay ? Planes.Empty(groups, _shape.Inputs, Height, Width, Lanes)
            : empty([(long)groups * Lanes, _shape.Inputs, Height, Width], ScalarType.Float32);
        Copy(FeatureMajor.Pointer(result), phases, groups, stay, InputGradientGroup, InputGradientRows,
            (_phases.Y == 1 ? 0 : _padding.Y, _phases.X == 1 ? 0 : _padding.X), back: true);
        return result;
    }

    /// <summary>Planes [channels][rows][pitch][lanes] to images [n, channels, out height, out width].</summary>
    internal unsafe Tensor Unpack(float* planes, int groups)
    {
        Tensor images = empty([(long)groups * Lanes, _shape.Outputs, OutHeight, OutWidth], ScalarType.Float32);
        Planes.Copy(FeatureMajor.Pointer(images), planes, (groups, _shape.Outputs, OutHeight, OutWidth, Lanes),
            (nint)_shape.Outputs * OutHeight * Pitch * Lanes, OutHeight, Pitch, back: true);
        return images;
    }

    /// <summary>The gradient [n, outputs, out height, out width] to planes with zeros around.</summary>
    internal unsafe Tensor PackGradient(Tensor gradient)
    {
        using Tensor rows = gradient.contiguous();
        int groups = (int)(gradient.size(0) / Lanes);
        Tensor planes = zeros((long)groups * GradientGroup, ScalarType.Float32);
        Planes.Copy(FeatureMajor.Pointer(rows), FeatureMajor.Pointer(planes) + GradientOrigin, (groups, _shape.Outputs, OutHeight, OutWidth, Lanes),
            GradientGroup, GradientRows, Pitch, back: false);
        return planes;
    }

    private unsafe Tensor Split(float* images, int groups, bool stay)
    {
        Tensor planes = zeros((long)groups * InGroup, ScalarType.Float32);
        Copy(images, FeatureMajor.Pointer(planes), groups, stay, InGroup, InRows, _padding, back: false);
        return planes;
    }

    /// <summary>Between images, or planes that stay, and planes by phases.</summary>
    private unsafe void Copy(float* images, float* phases, int groups, bool stay, int group, int rows, (int Y, int X) padding, bool back)
    {
        if (!HasPhases && !stay)
        {
            Planes.Copy(images, phases + (((padding.Y * Pitch) + padding.X) * Lanes), (groups, _shape.Inputs, Height, Width, Lanes), group, rows, Pitch, back);
            return;
        }

        using Tensor buffer = empty((long)Width * Lanes, ScalarType.Float32);
        float* line = FeatureMajor.Pointer(buffer);
        nint image = (nint)_shape.Inputs * Height * Width;
        for (int g = 0; g < groups; g++)
        {
            for (int c = 0; c < _shape.Inputs; c++)
            {
                for (int y = 0; y < Height; y++)
                {
                    (int row, int phase) = Math.DivRem(y + padding.Y, _phases.Y);
                    float* to = phases + ((nint)g * group)
                        + (((((nint)c * _phases.Y) + phase) * _phases.X * rows) + row) * Pitch * Lanes;
                    float* from = stay ? images + (((((nint)g * (_shape.Inputs + 1)) + c) * (Height + 1) + y + 1) * (Width + 1) + 1) * Lanes
                        : images + (g * Lanes * image) + ((((nint)c * Height) + y) * Width);
                    float* place = stay ? from : line;
                    if (!stay && !back)
                    {
                        FeatureMajor.Transpose(from, image, line, Lanes, Lanes, Width);
                    }

                    for (int x = 0; x < Width; x++)
                    {
                        (int column, int phaseX) = Math.DivRem(x + padding.X, _phases.X);
                        Span<float> here = new(place + ((nint)x * Lanes), Lanes);
                        Span<float> there = new(to + ((nint)phaseX * rows * Pitch + column) * Lanes, Lanes);
                        (back ? there : here).CopyTo(back ? here : there);
                    }

                    if (!stay && back)
                    {
                        FeatureMajor.Transpose(line, Lanes, from, image, Width, Lanes);
                    }
                }
            }
        }
    }

    /// <summary>Blocks of 16 or 32 channels of what is read stay in the nearest cache, where a row has several weights in each; of 8 where planes are a
    /// multiple of 4,096 bytes, as then no more than eight such places do.</summary>
    private static Walk WalkOf(List<(int Row, int Inner, int At, int Number)> weights, int rows, int inner, int plane, int lanes)
    {
        double each = (double)weights.Count / rows / inner; // weights of a row for a channel
        int block = lanes < 8 ? inner : each >= 5.0 / 16 ? plane % 1024 == 0 ? 8 : 16 : each >= 5.0 / 32 ? 32 : inner, blocks = Up(inner, block);
        int[] starts = new int[(blocks * rows) + 1];
        (int Row, int Inner, int At, int Number)[] sorted =
            [.. weights.OrderBy(w => w.Inner / block).ThenBy(w => w.Row).ThenBy(w => w.Inner).ThenBy(w => w.At)];
        foreach ((int row, int channel, _, _) in sorted)
        {
            starts[(channel / block * rows) + row + 1]++;
        }

        for (int i = 1; i < starts.Length; i++)
        {
            starts[i] += starts[i - 1];
        }

        return new(rows, blocks, starts, [.. sorted.Select(w => w.At)], [.. sorted.Select(w => w.Number)]);
    }

    /// <summary>Floats of a group: planes that are shared have one more, the others some after the last, as kernels read beyond a last row.</summary>
    private int Group(int channels, int rows, bool shared) =>
        (((shared ? channels + 1 : channels) * rows * Pitch) + (shared ? 0 : 2 * (Pitch + _padding.X))) * Lanes;

    private static int Up(int a, int b) => (a + b - 1) / b;
}
