using System.Diagnostics;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
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
    private static readonly string[] s_parts = ["gather", "zero_grad", "forward", "loss", "backward", "SGD step"];
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

        RunStep();
    }

    /// <summary>LeNet-300-100's step alone.</summary>
    internal static void RunStep()
    {
        set_num_threads(1);
        CompareTraining();
        PrintStep(steps: 3000);
    }

    private static void CompareTraining()
    {
        using PyTorchArm? torch = PyTorchArm.Start();
        if (torch is null)
        {
            double[] rates = [.. Enumerable.Range(0, 5).Select(_ => TrainingRate(steps: 1000))];
            Console.WriteLine($"training LeNet-300-100, 95% pruned, batch 128, SGD with momentum: {Alternating.Spread(rates, "F0")} samples/s");
            rates = [.. Enumerable.Range(0, 5).Select(_ => TrainerRate(steps: 2000))];
            Console.WriteLine($"the same by the library's trainer: {Alternating.Spread(rates, "F0")} samples/s");
            return;
        }

        Alternating.Compare(
            "training LeNet-300-100 at 95%, batch 128, sparse layers / torch.nn.utils.prune", "samples/s",
            () => TrainingRate(steps: 1000), () => 300 * 128 / torch.Train("prune", 128, 0.95, 300), pairs: 10);
        Alternating.Compare(
            "the same by the library's trainer / torch.nn.utils.prune", "samples/s",
            () => TrainerRate(steps: 2000), () => 300 * 128 / torch.Train("prune", 128, 0.95, 300), pairs: 10);
    }

    /// <summary>Trains a LeNet-300-100 of sparse layers as a loop in a notebook would: SGD with momentum, shuffled batches of 128.</summary>
    /// <param name="steps">Steps measured, after a twentieth as many to warm up.</param>
    /// <param name="sparsity">Fraction of every layer that is pruned, 0 to 1.</param>
    /// <returns>Samples per second.</returns>
    internal static double TrainingRate(int steps, double sparsity = 0.95)
    {
        Stopwatch watch = new();
        Train(steps, sparsity, (step, part) =>
        {
            if (step == 0 && part == 0)
            {
                watch.Start();
            }
            else if (step == steps - 1 && part == s_parts.Length)
            {
                watch.Stop();
            }
        });
        return steps * 128 / watch.Elapsed.TotalSeconds;
    }

    /// <summary>The same by the library's trainer, which does such a network's step as one.</summary>
    /// <returns>Samples per second.</returns>
    internal static double TrainerRate(int steps, double sparsity = 0.95, double momentum = 0.9)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "images");
        LabelledTensors data = new(rand([12_800, 784], generator: generator), randint(0, 10, [12_800], ScalarType.Int64, generator: generator));
        LeNet300100 network = new(seed: 1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, sparsity);
        Recipe recipe = new() { BatchSize = 128, LearningRate = 0.01, Momentum = momentum, Epochs = (steps + (steps / 20)) / 100.0 };
        Stopwatch watch = new();
        Trainer.Train(network, data, recipe, 1, mask, new StepWatch(steps / 20, watch), new SparseTraining());
        watch.Stop();
        return steps * 128 / watch.Elapsed.TotalSeconds;
    }

    private sealed record StepWatch(long After, Stopwatch Watch) : TrainingPart
    {
        public override string Name => "stopwatch";

        public override string Describe() => "";

        public override void AfterStep(TrainingProgress training)
        {
            if (training.Step == After)
            {
                Watch.Start();
            }
        }
    }

    /// <summary>Where the time of a step goes: forward and backward, and what is around them.</summary>
    private static void PrintStep(int steps)
    {
        double[][] times = [.. s_parts.Select(_ => new double[steps])];
        long before = 0;
        Train(steps, 0.95, (step, part) =>
        {
            long now = Stopwatch.GetTimestamp();
            if (step >= 0 && part > 0)
            {
                times[part - 1][step] = Stopwatch.GetElapsedTime(before, now).TotalMicroseconds;
            }

            before = now;
        });
        double[] medians = [.. times.Select(Alternating.Median)];
        Console.WriteLine($"a training step of sparse layers, median "
            + $"microseconds: {string.Join(", ", s_parts.Zip(medians, (name, median) => $"{name} {median:F0}"))}; together {medians.Sum():F0}");
    }

    /// <param name="steps">Steps after those to warm up, whose numbers are negative.</param>
    /// <param name="sparsity">Fraction of every layer that is pruned, 0 to 1.</param>
    /// <param name="reached">(step, part) before a step, where part is 0, and after each of <see cref="s_parts"/>.</param>
    private static void Train(int steps, double sparsity, Action<int, int> reached)
    {
        using DisposeScope outer = NewDisposeScope();
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "images");
        Tensor inputs = rand([12_800, 784], generator: generator), labels = randint(0, 10, [12_800], ScalarType.Int64, generator: generator);
        Tensor order = randperm(12_800, ScalarType.Int64, generator: generator);
        using LeNet300100 network = new(seed: 1);
        Sparse.Convert(network, new Pruner(Saliency.Magnitude).Prune(network, sparsity), fromSparsity: 0);
        using optim.Optimizer optimizer = optim.SGD(network.parameters(), 0.01, momentum: 0.9);
        for (int step = -Math.Max(200, steps / 20); step < steps; step++)
        {
            reached(step, 0);
            using DisposeScope scope = NewDisposeScope();
            Tensor chosen = order.narrow(0, (step + 1000) % 100 * 128, 128);
            (Tensor batch, Tensor classes) = (inputs.index_select(0, chosen), labels.index_select(0, chosen));
            reached(step, 1);
            optimizer.zero_grad();
            reached(step, 2);
            Tensor logits = network.forward(batch);
            reached(step, 3);
            Tensor loss = nn.functional.cross_entropy(logits, classes);
            reached(step, 4);
            loss.backward();
            reached(step, 5);
            optimizer.step();
            reached(step, 6);
        }
    }

    private static void Sweep(int inputs, int outputs, int batch, bool featureMajor)
    {
        string layout = batch == 1 ? "" : featureMajor ? ", from feature-major memory" : ", from ordinary [batch, features]";
        Console.WriteLine($"\n{inputs}×{outputs}, batch {batch}{layout}");
        double[] medians = [.. s_sparsities.Select(sparsity =>
        {
            double[] ratios = Ratios(inputs, outputs, batch, featureMajor, sparsity);
            Console.WriteLine($"  {sparsity,3:P0}  {Alternating.Spread(ratios, "F2")}");
            return Alternating.Median(ratios);
        })];
        Console.WriteLine($"  break-even: {RooflineBenchmark.BreakEven(s_sparsities, medians)}");
    }

    private static double[] Ratios(int inputs, int outputs, int batch, bool featureMajor, double sparsity)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = RandomStream.Of(1, "mask");
        using Linear dense = nn.Linear(inputs, outputs);
        using SparseLinear sparse = new(dense, rand([outputs, inputs], generator: generator) >= sparsity);
        Tensor rows = rand([batch, inputs], generator: generator), input = featureMajor ? rows.t().contiguous().t() : rows;
        return Alternating.Ratios(() => Time(dense, rows), () => Time(sparse, input), Pairs);
    }

    private static double Time(nn.Module<Tensor, Tensor> layer, Tensor input) => Alternating.MedianCall(() => layer.forward(input).Dispose(), s_armTime);
}
