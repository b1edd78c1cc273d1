using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ConvolutionLaws
{
    private static readonly int[] s_batches = [1, 2, 32];

    /// <summary>On machines that hide their caches, oneDNN takes what it pads channels with from memory that others have freed.</summary>
    [Fact]
    public void A_convolution_of_any_shape_is_right_whatever_freed_memory_holds()
    {
        Native.Libtorch.Load();
        var channels = Gen.Select(Gen.Int[0, 2].Select(i => s_batches[i]), Gen.Int[1, 40], Gen.Int[1, 40]);
        Gen.Select(channels, Gen.Select(Gen.Int[5, 14], Gen.Int[0, 2].Select(i => (2 * i) + 1)), Gen.Int[1, 2])
            .Sample((images, sizes, stride) =>
            {
                (int batch, int from, int to) = images;
                (int size, int kernel) = sizes;
                using DisposeScope scope = NewDisposeScope();
                Tensor x = randn(batch, from, size, size), weights = randn(to, from, kernel, kernel);
                Tensor[] right = Run(x.to(float64), weights.to(float64), stride);
                Tensor[] found = Run(x, weights, stride);
                return right.Zip(found).All(pair => (pair.First - pair.Second).abs().max().item<double>() <= 1e-4 * pair.First.abs().max().item<double>());
            }, iter: 100, threads: 1);
    }

    private static Tensor[] Run(Tensor images, Tensor weights, int stride)
    {
        (images, weights) = (images.clone().requires_grad_(), weights.clone().requires_grad_());
        FillMemory();
        Tensor answer = nn.functional.conv2d(images, weights, strides: [stride, stride], padding: [weights.size(2) / 2, weights.size(3) / 2]);
        FillMemory();
        answer.sin().sum().backward();
        return [answer, images.grad!, weights.grad!];
    }

    private static void FillMemory()
    {
        using DisposeScope scope = NewDisposeScope();
        for (int power = 6; power < 18; power++)
        {
            for (int i = 0; i < 12; i++)
            {
                _ = full((1 << power) + (16 * i), float.NaN);
            }
        }
    }
}
