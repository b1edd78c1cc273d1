using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A <see cref="MaxPool2d"/> that takes planes too.</summary>
internal sealed class PlanesPool(MaxPool2d pool) : nn.Module<Tensor, Tensor>(nameof(PlanesPool)), IPlanesLayer, IStandIn
{
    private readonly PoolShape _shape = new(Pair(pool.kernel_size), Pair(pool.stride ?? pool.kernel_size), Pair(pool.padding ?? [0]));

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Layer => pool;

    /// <inheritdoc/>
    public bool GivesPlanes { get; set; }

    /// <summary>Whether it takes the greatest of 2×2, and nothing else.</summary>
    internal bool Halves => _shape is { Kernel: (2, 2), Stride: (2, 2), Padding: (0, 0) } && !IsOther;

    private bool IsOther => pool.ceil_mode || (pool.dilation is { } d && d.Any(step => step != 1));

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = !Planes.Are(input) || input.size(4) % Vector<float>.Count != 0 || IsOther
            ? pool.call(PlanesFunction.Images(input))
            : is_grad_enabled() && input.requires_grad ? PoolFunction.apply(input, _shape) : PoolFunction.Of(input, _shape);
        return Planes.Given(output, GivesPlanes).MoveToOuterDisposeScope();
    }

    private static (int, int) Pair(long[] values) => ((int)values[0], (int)values[^1]);
}

/// <summary>Windows of a pooling: everything in pairs (vertical, horizontal).</summary>
internal sealed record PoolShape((int Y, int X) Kernel, (int Y, int X) Stride, (int Y, int X) Padding)
{
    internal (int Y, int X) Out(int height, int width) =>
        (((height + (2 * Padding.Y) - Kernel.Y) / Stride.Y) + 1, ((width + (2 * Padding.X) - Kernel.X) / Stride.X) + 1);

    internal Tensor Dense(Tensor images) => nn.functional.max_pool2d(images, [Kernel.Y, Kernel.X], [Stride.Y, Stride.X], [Padding.Y, Padding.X]);
}

/// <summary>Max pooling over <see cref="Planes"/>, as autograd sees it: (planes, <see cref="PoolShape"/>) → planes.</summary>
internal sealed unsafe class PoolFunction : autograd.SingleTensorFunction<PoolFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(PoolFunction);

    /// <summary>The greatest of each window, without a graph.</summary>
    internal static Tensor Of(Tensor planes, PoolShape shape)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Planes.Sizes(planes);
        (int y, int x) = shape.Out(rows - 1, pitch - 1);
        Tensor output = Planes.Empty(groups, channels, y, x, lanes);
        using Tensor inputs = planes.contiguous();
        ForChannels(inputs, output, (from, to) => Pool((float*)from, (float*)to, rows, pitch, y, x, lanes, shape));
        return output;
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor planes, PoolShape shape) = ((Tensor)vars[0], (PoolShape)vars[1]);
        Tensor output = Of(planes, shape);
        ctx.save_for_backward([planes, output]);
        ctx.save_data(nameof(PoolShape), shape);
        return output;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        PoolShape shape = (PoolShape)ctx.get_data(nameof(PoolShape));
        List<Tensor> saved = [];
        try
        {
            saved = ctx.get_saved_variables();
            return is_grad_enabled()
                ? [Planes.ByTorch(leaves => PlanesFunction.Planes(shape.Dense(PlanesFunction.Images(leaves[0]))), [saved[0]], grad_output)[0], null!]
                : [Gradient(saved[0], saved[1], grad_output, shape), null!];
        }
        catch (Exception)
        {
            // The input was changed in place since: an exception would end the process, NaN shows it.
            using Scalar none = double.NaN;
            return [full(saved.Count > 0 ? saved[0].shape : grad_output.shape, none), null!];
        }
        finally
        {
            saved.ForEach(tensor => tensor.Dispose());
        }
    }

    private static Tensor Gradient(Tensor planes, Tensor greatest, Tensor gradient, PoolShape shape)
    {
        (_, _, int rows, int pitch, int lanes) = Planes.Sizes(planes);
        (_, _, int outRows, int outPitch, _) = Planes.Sizes(greatest);
        using Tensor inputs = planes.contiguous(), outputs = greatest.contiguous(), outer = gradient.contiguous();
        Tensor result = zeros(planes.shape, ScalarType.Float32);
        float* x = FeatureMajor.Pointer(inputs), y = FeatureMajor.Pointer(outputs);
        nint toInput = (nint)(x - FeatureMajor.Pointer(result)), toOutput = (nint)(y - FeatureMajor.Pointer(outer));
        ForChannels(result, outer, (to, g) => Spread((float*)to + toInput, (float*)g + toOutput, (float*)g, (float*)to, rows, pitch, outRows - 1, outPitch - 1,
            lanes, shape));
        return result;
    }

    /// <summary>Calls with the first place of each plane of both.</summary>
    private static void ForChannels(Tensor large, Tensor small, Action<nint, nint> body)
    {
        (int groups, int channels, int rows, int pitch, int lanes) = Planes.Sizes(large);
        (_, _, int smallRows, int smallPitch, _) = Planes.Sizes(small);
        float* from = FeatureMajor.Pointer(large) + ((pitch + 1) * lanes), to = FeatureMajor.Pointer(small) + ((smallPitch + 1) * lanes);
        for (int g = 0; g < groups; g++)
        {
            for (int c = 0; c < channels; c++)
            {
                nint plane = ((nint)g * (channels + 1)) + c;
                body((nint)(from + (plane * rows * pitch * lanes)), (nint)(to + (plane * smallRows * smallPitch * lanes)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pool(float* from, float* to, int rows, int pitch, int outHeight, int outWidth, int lanes, PoolShape shape)
    {
        ((int kernelY, int kernelX), (int strideY, int strideX), (int padY, int padX)) = (shape.Kernel, shape.Stride, shape.Padding);
        for (int oy = 0; oy < outHeight; oy++)
        {
            int firstY = Math.Max(0, (oy * strideY) - padY), endY = Math.Min(rows - 1, (oy * strideY) - padY + kernelY);
            for (int ox = 0; ox < outWidth; ox++)
            {
                int firstX = Math.Max(0, (ox * strideX) - padX), endX = Math.Min(pitch - 1, (ox * strideX) - padX + kernelX);
                float* at = to + (((oy * (outWidth + 1)) + ox) * lanes);
                for (int lane = 0; lane < lanes; lane += Vector<float>.Count)
                {
                    Vector<float> greatest = new(float.NegativeInfinity);
                    for (int y = firstY; y < endY; y++)
                    {
                        float* place = from + (((y * pitch) + firstX) * lanes) + lane;
                        for (int x = firstX; x < endX; x++, place += lanes)
                        {
                            greatest = Vector.Max(greatest, Vector.Load(place)); // NaN if one is
                        }
                    }

                    Vector.Store(greatest, at + lane);
                }
            }
        }
    }

    /// <summary>Adds the gradient of each window to the first of its greatest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread(float* from, float* greatest, float* gradient, float* to, int rows, int pitch, int outHeight, int outWidth, int lanes,
        PoolShape shape)
    {
        ((int kernelY, int kernelX), (int strideY, int strideX), (int padY, int padX)) = (shape.Kernel, shape.Stride, shape.Padding);
        for (int oy = 0; oy < outHeight; oy++)
        {
            int firstY = Math.Max(0, (oy * strideY) - padY), endY = Math.Min(rows - 1, (oy * strideY) - padY + kernelY);
            for (int ox = 0; ox < outWidth; ox++)
            {
                int firstX = Math.Max(0, (ox * strideX) - padX), endX = Math.Min(pitch - 1, (ox * strideX) - padX + kernelX);
                int at = ((oy * (outWidth + 1)) + ox) * lanes;
                for (int lane = 0; lane < lanes; lane += Vector<float>.Count)
                {
                    Vector<float> most = Vector.Load(greatest + at + lane), left = Vector.Load(gradient + at + lane);
                    for (int y = firstY; y < endY; y++)
                    {
                        int place = (((y * pitch) + firstX) * lanes) + lane;
                        for (int x = firstX; x < endX; x++, place += lanes)
                        {
                            Vector<float> here = Vector.Load(from + place);
                            Vector<float> isIt = (Vector.Equals(here, most) | ~Vector.Equals(here, here)).As<int, float>();
                            Vector.Store(Vector.Load(to + place) + (left & isIt), to + place);
                            left = Vector.AndNot(left, isIt);
                        }
                    }
                }
            }
        }
    }
}
