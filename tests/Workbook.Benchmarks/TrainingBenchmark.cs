using System.Diagnostics;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>What a masked training step costs, against PyTorch: LeNet-300-100, 90% pruned, SGD with momentum, one thread an arm.</summary>
internal static class TrainingBenchmark
{
    private const double Sparsity = 0.9;
    private const int Samples = 38_400;

    internal static void Run()
    {
        using PyTorchArm? torch = PyTorchArm.Start();
        using PyTorchArm? second = torch?.Another();
        foreach (int batch in (int[])[60, 128])
        {
            int steps = Samples / batch;
            using Arm arm = new(seed: 1, batch), other = new(seed: 2, batch);
            if (torch is null || second is null)
            {
                double[] speeds = [.. Enumerable.Range(0, 10).Select(_ => Throughput(1, () => arm.Train(steps)))];
                Console.WriteLine($"training, batch {batch}, masked: {Alternating.Spread(speeds)} samples/s");
                continue;
            }

            Compare("torch.nn.utils.prune", "prune");
            Compare("PyTorch masked by hand", "hand");
            Alternating.Compare(
                $"training, batch {batch}, two replicas on two threads / two processes with torch.nn.utils.prune",
                "samples/s",
                () => Throughput(2, () => Replicas.Run([arm, other], a => a.Train(steps), threads: 2)),
                () => Throughput(2, () => Task.WaitAll([.. new[] { torch, second }.Select(p => Task.Run(() => p.Train("prune", batch, Sparsity, steps)))])),
                pairs: 10);

            void Compare(string name, string masking) => Alternating.Compare(
                $"training, batch {batch}, ours / {name}",
                "samples/s",
                () => Throughput(1, () => arm.Train(steps)),
                () => steps * batch / torch.Train(masking, batch, Sparsity, steps),
                pairs: 10);
        }
    }

    private static double Throughput(int replicas, Action run)
    {
        Stopwatch watch = Stopwatch.StartNew();
        run();
        return replicas * Samples / watch.Elapsed.TotalSeconds;
    }

    private sealed class Arm : IDisposable
    {
        private const int Examples = 12_800;
        private readonly LeNet300100 _network;
        private readonly Mask _mask;
        private readonly LabelledTensors _data;
        private readonly int _batch;

        internal Arm(int seed, int batch)
        {
            using Generator generator = RandomStream.Of(seed, "images");
            _network = new(seed);
            _mask = new Pruner(Saliency.Magnitude).Prune(_network, Sparsity);
            _data = new(rand([Examples, 784], generator: generator), randint(0, 10, [Examples], ScalarType.Int64, generator: generator));
            _batch = batch;
        }

        internal bool Train(int steps)
        {
            set_num_threads(1);
            Recipe recipe = new() { BatchSize = _batch, LearningRate = 0.01, Cosine = false, Epochs = steps / Math.Ceiling((double)Examples / _batch) };
            Trainer.Train(_network, _data, recipe, seed: 1, _mask);
            return true;
        }

        public void Dispose()
        {
            _network.Dispose();
            _data.Dispose();
        }
    }
}
