using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// Sparse convolutions of 3×3 against libtorch's dense ones, on one thread, the arms in turn: from images to images, and with planes that stay as
/// they are between layers; forward, and forward with backward.
/// </summary>
internal static class ConvBenchmark
{
    private const int Pairs = 9;
    private static readonly double[] s_sparsities = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99];
    private static readonly (int Batch, int Inputs, int Outputs, int Size)[] s_layers =
        [(64, 8, 16, 14), (64, 16, 32, 7), (64, 32, 64, 14), (64, 64, 128, 14), (64, 128, 128, 32), (1, 16, 32, 14), (1, 64, 128, 14), (1, 128, 256, 7)];
    private static readonly TimeSpan s_armTime = TimeSpan.FromMilliseconds(3);

    static ConvBenchmark() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);

    internal static void Run()
    {
        set_num_threads(1);
        Console.WriteLine("time of the dense convolution over that of the sparse one: forward / forward and backward");
        foreach ((int batch, int inputs, int outputs, int size) in s_layers)
        {
            Console.WriteLine($"\n{inputs}→{outputs}, {size}×{size}, batch {batch}: sparsity; images to images; planes that stay");
            foreach (double sparsity in s_sparsities)
            {
                using DisposeScope scope = NewDisposeScope();
                using Generator generator = RandomStream.Of(1, "mask");
                Conv2d dense = nn.Conv2d(inputs, outputs, 3, padding: 1, bias: false);
                SparseConv2d sparse = new(dense, rand(dense.weight.shape, generator: generator) >= sparsity), staying = new(dense, sparse.Kept())
                {
                    GivesPlanes = true,
                };
                Tensor images = rand([batch, inputs, size, size], generator: generator), planes = PlanesFunction.Planes(images);
                Tensor gradient = rand([batch, outputs, size, size], generator: generator), inPlanes = PlanesFunction.Planes(gradient);
                string[] ratios =
                [
                    Ratio(() => Forward(dense, images), () => Forward(sparse, images)),
                    Ratio(() => Both(dense, images, gradient), () => Both(sparse, images, gradient)),
                    Ratio(() => Forward(dense, images), () => Forward(staying, planes)),
                    Ratio(() => Both(dense, images, gradient), () => Both(staying, planes, inPlanes)),
                ];
                Console.WriteLine($"  {sparsity,3:P0}  {ratios[0]} / {ratios[1]}; {ratios[2]} / {ratios[3]}");
            }
        }
    }

    private static string Ratio(Action dense, Action sparse) => $"{Alternating.Median(Alternating.Ratios(() => Time(dense), () => Time(sparse), Pairs)):F1}";

    private static void Forward(nn.Module<Tensor, Tensor> layer, Tensor input)
    {
        using IDisposable noGrad = no_grad();
        layer.forward(input).Dispose();
    }

    private static void Both(nn.Module<Tensor, Tensor> layer, Tensor input, Tensor gradient)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor leaf = input.detach().requires_grad_();
        layer.forward(leaf).backward([gradient]);
        layer.zero_grad();
    }

    private static double Time(Action call) => Alternating.MedianCall(call, s_armTime);
}
