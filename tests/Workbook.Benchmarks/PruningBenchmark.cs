using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>Global magnitude pruning of ResNet-18's 11.7 million weights, against torch.nn.utils.prune, one thread each.</summary>
internal static class PruningBenchmark
{
    private const double Sparsity = 0.9;

    internal static void Run()
    {
        set_num_threads(1);
        Sequential model = ResNet18();
        Tensor[] weights = [.. Prunable.Weights(model).Select(w => w.Weight.detach().clone())];
        Pruner pruner = new(Saliency.Magnitude) { Scope = Scope.Global() };
        string title = $"global magnitude pruning of {weights.Sum(w => w.numel()):N0} weights";
        using PyTorchArm? torch = PyTorchArm.Start();
        if (torch is null)
        {
            Console.WriteLine($"{title}: {Alternating.Spread([.. Enumerable.Range(0, 10).Select(_ => Prune())])} s");
            return;
        }

        Alternating.Compare($"{title}, speed of ours / torch.nn.utils.prune", "1/s", () => 1 / Prune(), () =>
            1 / torch.Prune(Sparsity, weights.Select(w => w.shape)), pairs: 10);

        // To choose and to apply, as torch.nn.utils.prune does both in one.
        double Prune()
        {
            using DisposeScope scope = NewDisposeScope();
            using (no_grad())
            {
                foreach (((_, Parameter weight), Tensor value) in Prunable.Weights(model).Zip(weights))
                {
                    weight.copy_(value);
                }
            }

            Stopwatch watch = Stopwatch.StartNew();
            pruner.Prune(model, Sparsity).Apply(model);
            return watch.Elapsed.TotalSeconds;
        }
    }

    /// <summary>The layers whose weights are pruned, in order; it is not to be run.</summary>
    private static Sequential ResNet18()
    {
        List<nn.Module<Tensor, Tensor>> layers = [nn.Conv2d(3, 64, 7, bias: false)];
        int channels = 64;
        foreach (int width in (int[])[64, 128, 256, 512])
        {
            for (int block = 0; block < 2; block++)
            {
                layers.AddRange([nn.Conv2d(channels, width, 3, bias: false), nn.Conv2d(width, width, 3, bias: false)]);
                if (channels != width)
                {
                    layers.Add(nn.Conv2d(channels, width, 1, bias: false));
                }

                channels = width;
            }
        }

        return nn.Sequential([.. layers, nn.Linear(512, 1000)]);
    }
}
