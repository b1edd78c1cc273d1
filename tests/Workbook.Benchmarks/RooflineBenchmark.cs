using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// What one core does at most, and what the sparse layers reach of it, measured in one run on one thread. Bytes are those that a layer reads and writes if
/// each goes to its cores once; α is how many times as long as one of libtorch's a multiplication takes,
/// in the fastest turns of both: of a call as long as a dense one a busy machine takes its part nearly always.
/// </summary>
internal static class RooflineBenchmark
{
    private const int Pairs = 5;
    private static readonly double[] s_sparsities = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99];
    private static readonly (int Inputs, int Outputs, int Size)[] s_convolutions = [(16, 32, 14), (32, 64, 14), (64, 128, 14), (128, 128, 32)];
    private static readonly (int Inputs, int Outputs)[] s_linears = [(784, 300), (300, 100)];

    static RooflineBenchmark() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);

    internal static void Run()
    {
        set_num_threads(1);
        Roof roof = Roof.Measure();
        Console.WriteLine($"vectors of {Kernels.Widest} bits, one thread: at most {roof.Peak:F0} GF/s; reading, and GF/s with one read a multiplication: "
            + string.Join(", ", roof.Readings.Select(r => $"{Size(r.Bytes)} {r.Bandwidth:F0} GB/s ({Math.Min(roof.Peak, r.Bandwidth / 2):F0})")));
        foreach ((int inputs, int outputs, int size) in s_convolutions)
        {
            using DisposeScope scope = NewDisposeScope();
            Print($"convolution {inputs}→{outputs}, {size}×{size}, 64 images, in the layout", roof,
                nn.Conv2d(inputs, outputs, 3, padding: 1, bias: false), rand(64, inputs, size, size));
        }

        foreach ((int inputs, int outputs) in s_linears)
        {
            using DisposeScope scope = NewDisposeScope();
            Print($"linear {inputs}→{outputs}, 128 examples, in the layout", roof, nn.Linear(inputs, outputs), rand(128, inputs));
        }

        Roof after = Roof.Measure();
        Console.WriteLine($"\nand afterwards: at most {after.Peak:F0} GF/s; "
            + string.Join(", ", after.Readings.Select(r => $"{Size(r.Bytes)} {r.Bandwidth:F0} GB/s")));
    }

    private static void Print(string title, Roof roof, nn.Module<Tensor, Tensor> layer, Tensor input)
    {
        Console.WriteLine($"\n{title}\n  sparsity  times as fast  GF/s  dense GF/s  bytes a weight  operations a byte  limit  part of it      α  pays from");
        LayerSpeed[] speeds = [.. s_sparsities.Select(sparsity =>
        {
            using Generator generator = RandomStream.Of(1, "mask");
            Tensor weight = layer.parameters().First();
            LayerSpeed speed = LayerSpeed.Measure(layer, rand(weight.shape, generator: generator) >= sparsity, input, Pairs);
            double left = weight.numel() * (1 - speed.Sparsity);
            Console.WriteLine($"  {sparsity,8:P0}  {speed.TimesAsFast,13:F2}  {speed.Gigaflops,4:F0}  {speed.DenseGigaflops,10:F0}  "
                + $"{speed.Bytes / left,14:N0}  {speed.Intensity,17:F2}  {roof.Limit(speed.Intensity, speed.Bytes),5:F0}  {speed.PartOf(roof),10:P0}  "
                + $"{speed.Alpha,5:F2}  {speed.Pays,9:P0}");
            return speed;
        })];
        Console.WriteLine($"  break-even, measured: {BreakEven(s_sparsities, [.. speeds.Select(s => s.TimesAsFast)])}");
    }

    /// <summary>Where the sparse layer becomes faster, in words.</summary>
    internal static string BreakEven(double[] sparsities, double[] timesAsFast) =>
        timesAsFast[0] >= 1 ? $"below {sparsities[0]:P0}"
            : LayerSpeed.BreakEven(sparsities, timesAsFast) is { } even ? $"{even:P0}" : $"above {sparsities[^1]:P0}";

    private static string Size(long bytes) => bytes >= 1 << 20 ? $"{bytes >> 20} MiB" : $"{bytes >> 10} KiB";
}
