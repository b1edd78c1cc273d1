using System.Diagnostics;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using Workbook.Models;
using Workbook.Pruning;
using Workbook.Sparse;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// Sparse layers against libtorch's dense ones, on one thread, the arms in turn: the ratio of each pair, as on a busy
/// machine both arms of a pair are disturbed alike.
/// </summary>
internal static class SparseBenchmark
{
    private const int Pairs = 15;
    private static readonly double[] s_sparsities = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
    private static readonly TimeSpan s_armTime = TimeSpan.FromMilliseconds(4);

    /// <summary>The library finds libtorch, before the first call of TorchSharp.</summary>
    static SparseBenchmark() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);

    internal static void Run()
    {
        set_num_threads(1);
        Console.WriteLine("time of the dense layer over that of the sparse one");
        foreach ((int inputs, int outputs) in new[] { (784, 300), (4096, 4096) })
        {
            foreach (int batch in new[] { 1, 64, 128 })
            {
                Sweep(inputs, outputs, batch, featureMajor: false);
                if (batch > 1)
                {
                    Sweep(inputs, outputs, batch, featureMajor: true);
                }
            }
        }

        using PyTorchArm? torch = PyTorchArm.Start();
        if (torch is null)
        {
            double[] rates = [.. Enumerable.Range(0, 5).Select(_ => TrainingRate(steps: 1000))];
            Console.WriteLine($"training LeNet-300-100, 95% pruned, batch 128, SGD with momentum: {Spread(rates, "F0")} samples/s");
            return;
        }

        Alternating.Compare(
            "training LeNet-300-100 at 95%, batch 128, sparse layers / torch.nn.utils.prune", "samples/s",
            () => TrainingRate(steps: 1000), () => 300 * 128 / torch.Train("prune", 128, 0.95, 300), pairs: 10);
    }

    /// <summary>Trains a LeNet-300-100 of sparse layers as a loop in a notebook would: SGD with momentum, shuffled batches of 128.</summary>
    /// <param name="steps">Steps measured, after a twentieth as many to warm up.</param>
    /// <param name="sparsity">Fraction of every layer that is pruned, 0 to 1.</param>
    /// <returns>Samples per second.</returns>
    internal static double TrainingRate(int steps, double sparsity = 0.95)
    {
        using DisposeScope outer = NewDisposeScope();
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "images");
        Tensor inputs = rand([12_800, 784], generator: generator), labels = randint(0, 10, [12_800], ScalarType.Int64, generator: generator);
        Tensor order = randperm(12_800, ScalarType.Int64, generator: generator);
        using LeNet300100 network = new(seed: 1);
        Sparse.Sparse.Convert(network, new Pruner(Saliency.Magnitude).Prune(network, sparsity), fromSparsity: 0);
        using optim.Optimizer optimizer = optim.SGD(network.parameters(), 0.01, momentum: 0.9);
        Stopwatch watch = new();
        for (int step = -Math.Max(200, steps / 20); step < steps; step++)
        {
            if (step == 0)
            {
                watch.Start();
            }

            using DisposeScope scope = NewDisposeScope();
            Tensor chosen = order.narrow(0, (step + 1000) % 100 * 128, 128);
            optimizer.zero_grad();
            Tensor loss = nn.functional.cross_entropy(network.forward(inputs.index_select(0, chosen)), labels.index_select(0, chosen));
            loss.backward();
            optimizer.step();
        }

        return steps * 128 / watch.Elapsed.TotalSeconds;
    }

    private static void Sweep(int inputs, int outputs, int batch, bool featureMajor)
    {
        string layout = batch == 1 ? "" : featureMajor ? ", from feature-major memory" : ", from ordinary [batch, features]";
        Console.WriteLine($"\n{inputs}×{outputs}, batch {batch}{layout}");
        double[] medians = [.. s_sparsities.Select(sparsity =>
        {
            double[] ratios = Ratios(inputs, outputs, batch, featureMajor, sparsity);
            Console.WriteLine($"  {sparsity,3:P0}  {Spread(ratios, "F2")}");
            return ratios.Order().ElementAt(ratios.Length / 2);
        })];
        Console.WriteLine($"  break-even: {BreakEven(medians)}");
    }

    private static double[] Ratios(int inputs, int outputs, int batch, bool featureMajor, double sparsity)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = RandomStream.Of(1, "mask");
        using Linear dense = nn.Linear(inputs, outputs);
        using SparseLinear sparse = new(dense, rand([outputs, inputs], generator: generator) >= sparsity);
        Tensor rows = rand([batch, inputs], generator: generator), input = featureMajor ? rows.t().contiguous().t() : rows;
        Time(sparse, input);
        Time(dense, rows);
        return [.. Enumerable.Range(0, Pairs).Select(i =>
        {
            double first = i % 2 == 0 ? Time(dense, rows) : Time(sparse, input), second = i % 2 == 0 ? Time(sparse, input) : Time(dense, rows);
            return i % 2 == 0 ? first / second : second / first;
        })];
    }

    /// <summary>The median call, in seconds: being put aside by other work hits single calls.</summary>
    private static double Time(nn.Module<Tensor, Tensor> layer, Tensor input)
    {
        List<double> calls = [];
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < s_armTime || calls.Count < 3;)
        {
            TimeSpan start = watch.Elapsed;
            layer.forward(input).Dispose();
            calls.Add((watch.Elapsed - start).TotalSeconds);
        }

        return calls.Order().ElementAt(calls.Count / 2);
    }

    /// <summary>The sparsity at which both take as long, between two that were measured.</summary>
    private static string BreakEven(double[] medians)
    {
        int first = Array.FindIndex(medians, m => m >= 1);
        return first == 0 ? $"below {s_sparsities[0]:P0}" : first < 0 ? $"above {s_sparsities[^1]:P0}"
            : $"{double.Lerp(s_sparsities[first - 1], s_sparsities[first], -Math.Log(medians[first - 1]) / Math.Log(medians[first] / medians[first - 1])):P0}";
    }

    private static string Spread(double[] values, string format)
    {
        double[] sorted = [.. values.Order()];
        return $"median {sorted[sorted.Length / 2].ToString(format)} (min {sorted[0].ToString(format)}, max {sorted[^1].ToString(format)}, n = {sorted.Length})";
    }
}
