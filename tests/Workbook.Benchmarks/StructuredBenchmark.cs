using System.Diagnostics;
using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>What zeros and what fewer channels do to the time of a forward pass: one thread, the arms in turn.</summary>
internal static class StructuredBenchmark
{
    private const int Pairs = 15;

    internal static void Run()
    {
        Libtorch.Load();
        set_num_threads(1);
        using Tensor example = rand(1, 1, 28, 28);
        foreach ((string name, int width) in new[] { ("conv-BN 16-32-32", 1), ("conv-BN 64-128-128", 4) })
        {
            using ConvNet dense = Network(width), masked = Network(width);
            new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(masked, 0.95).Apply(masked);
            Compare($"{name}, 95 % of the weights zero", masked, dense);
            foreach (double ratio in (double[])[0.25, 0.5, 0.75])
            {
                using ConvNet smaller = Network(width);
                ChannelGraph graph = ChannelGraph.Trace(smaller, example);
                graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, ratio));
                double macs = (double)ModelCount.Of(smaller, example).Macs / ModelCount.Of(dense, example).Macs;
                Compare($"{name}, {ratio:P0} of the channels out, MACs {macs:F3}", smaller, dense);
            }
        }
    }

    private static ConvNet Network(int width)
    {
        ConvNet network = new(seed: 1, 16 * width, 32 * width, 32 * width);
        network.eval();
        return network;
    }

    private static void Compare(string title, ConvNet network, ConvNet dense)
    {
        foreach (int batch in (int[])[1, 64])
        {
            using Tensor input = rand(batch, 1, 28, 28);
            int repeats = batch == 1 ? 100 : 5;
            Alternating.Compare($"{title}, batch {batch}, time / dense", "ms", () => Milliseconds(network, input, repeats), () =>
                Milliseconds(dense, input, repeats), Pairs);
        }
    }

    private static double Milliseconds(ConvNet network, Tensor input, int repeats)
    {
        using IDisposable still = no_grad();
        Stopwatch watch = Stopwatch.StartNew();
        for (int i = 0; i < repeats; i++)
        {
            network.forward(input).Dispose();
        }

        return watch.Elapsed.TotalMilliseconds / repeats;
    }
}
