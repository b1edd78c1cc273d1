using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using Workbook.Native;
using Workbook.Tests;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// Networks that people have, pruned by channels to a half and a quarter of their multiplications: what a trace takes, what is left, that the answers are
/// those with zeros in place of the channels, and what it saves. One thread, the arms in turn; prints the table of docs/benchmarks.md.
/// </summary>
internal static class VisionBenchmark
{
    private const int Pairs = 9;

    private const double Most = 0.98;

    /// <summary>A network, the input to count, to prove and to time it for, and that to trace it with: the smaller, the faster.</summary>
    private sealed record Case(string Name, Func<nn.Module<Tensor, Tensor>> Build, Func<Tensor> Input, Func<Tensor> Example);

    private static readonly Case[] s_cases =
    [
        Images("ResNet-18", () => torchvision.models.resnet18()),
        Images("ResNet-34", () => torchvision.models.resnet34()),
        Images("ResNet-50", () => torchvision.models.resnet50()),
        Images("VGG-11 with norms", () => torchvision.models.vgg11_bn()),
        Images("MobileNet v2", () => torchvision.models.mobilenet_v2()),
        Images("MobileNet v3 small", () => torchvision.models.mobilenet_v3_small()),
        Images("GoogLeNet", () => torchvision.models.googlenet()),
        Images("Inception v3", () => torchvision.models.inception_v3(), 299, 75),
        Images("ResNet-110 for CIFAR", () => Initializer.HeNormal.Apply(new CifarResNet(110), 1), 32, 16),
        Images("DenseNet-40 for CIFAR", () => Initializer.HeNormal.Apply(new DenseNet(40), 1), 32, 16),
        Images("WRN-28-2 for CIFAR", () => Initializer.HeNormal.Apply(new WideResNet(28, 2), 1), 32, 16),
        Images("vision transformer", () => new VisionTransformer(1, channels: 3, size: 64, patch: 8, width: 128), 64, 64),
        new("BERT encoder", () => new BertEncoder(1, width: 128), Words, Words),
    ];

    private static Case Images(string name, Func<nn.Module<Tensor, Tensor>> build, int size = 224, int example = 64) =>
        new(name, build, () => rand(1, 3, size, size), () => zeros(1, 3, example, example));

    private static Tensor Words() => randint(0, 1000, [1, 64], ScalarType.Int64);

    internal static void Run()
    {
        Libtorch.Load();
        set_num_threads(1);
        // What the runtime compiles at first belongs to no network.
        using (LeNet5 first = LeNet5.Wide(1))
        {
            ChannelGraph.Trace(first, zeros(1, 1, 28, 28));
        }

        Console.WriteLine($"One thread of {Processor()}.\n");
        Console.WriteLine("| network | traced in | groups (that stay) | channels out | parameters | MACs | time | largest difference |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (Case one in s_cases)
        {
            foreach (double budget in (double[])[0.5, 0.25])
            {
                Console.WriteLine(Row(one, budget));
            }
        }
    }

    /// <summary>A network whose weights mean something: not retrained, since nobody here has the images, so what is left of its features is said.</summary>
    internal static void Pretrained()
    {
        Libtorch.Load();
        set_num_threads(1);
        if (PretrainedModels.Find("resnet18") is not { } model)
        {
            Console.WriteLine("\nResNet-18 with ImageNet's weights is not on this machine: workbook data fetch resnet18");
            return;
        }

        using Tensor images = PretrainedNets.Images(32);
        Case one = Images("ResNet-18 with ImageNet's weights, features", () => PretrainedNets.ResNet18Features(model.Weights));
        foreach (double budget in (double[])[0.75, 0.5])
        {
            Console.WriteLine(Row(one, budget, Agreement));
        }

        string Agreement(nn.Module<Tensor, Tensor> dense, nn.Module<Tensor, Tensor> smaller)
        {
            Tensor before = dense.forward(images), after = smaller.forward(images);
            return string.Create(CultureInfo.InvariantCulture, $" cosine of the features of 32 enlarged digits {Cosine(before, after):F2}, "
                + $"without what all have in common {Cosine(before - before.mean([0L]), after - after.mean([0L])):F2}");
        }

        static double Cosine(Tensor a, Tensor b) => nn.functional.cosine_similarity(a, b, 1).mean().item<float>();
    }

    private static string Row(Case one, double budget, Func<nn.Module<Tensor, Tensor>, nn.Module<Tensor, Tensor>, string>? compare = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        random.manual_seed(1);
        using nn.Module<Tensor, Tensor> dense = one.Build(), smaller = one.Build();
        smaller.load_state_dict(dense.state_dict());
        Array.ForEach([dense, smaller], m => m.eval());
        (Tensor input, Tensor example) = (one.Input(), one.Example());
        ModelCount before = ModelCount.Of(dense, input);
        TimeSpan started = Process.GetCurrentProcess().TotalProcessorTime;
        ChannelGraph graph = ChannelGraph.Trace(smaller, example);
        double seconds = (Process.GetCurrentProcess().TotalProcessorTime - started).TotalSeconds;
        // The graph counts what its example takes, a share of which is the same share of a larger image's, nearly.
        Mask mask = Within(graph, (long)(budget * ModelCount.Of(dense, example).Macs));
        mask.Apply(smaller);
        Tensor zeroed = smaller.forward(input);
        double ratio = (double)graph.Remove(mask) / graph.Groups.Where(g => g.WholeBecause is null).Sum(g => g.Units.Count);
        double difference = (smaller.forward(input) - zeroed).abs().max().item<float>() / zeroed.abs().max().item<float>();
        ModelCount after = ModelCount.Of(smaller, input);
        double time = Alternating.Median(Alternating.Ratios(() => Milliseconds(smaller, input), () => Milliseconds(dense, input), Pairs));
        string groups = $"{graph.Groups.Count} ({graph.Groups.Count(g => g.WholeBecause is not null)})";
        string parameters = $"{Millions(before.Parameters)} → {Millions(after.Parameters)}";
        string macs = $"{Millions(before.Macs)} → {Millions(after.Macs)} ({100.0 * after.Macs / before.Macs:F0} %)";
        string more = compare?.Invoke(dense, smaller) ?? "";
        return string.Create(CultureInfo.InvariantCulture,
            $"| {one.Name} | {seconds:F1} s | {groups} | {ratio:P0} | {parameters} | {macs} | {time:F2} | {difference:0.0E+0} |{more}");
    }

    /// <summary>As many channels as a budget of multiplications asks for, or as can go, but for those over which norms are taken: they answer otherwise than
    /// with zeros.</summary>
    private static Mask Within(ChannelGraph graph, long macs)
    {
        ChannelPruner pruner = new(Saliency.Magnitude)
        {
            Scope = Scope.PerLayer([.. graph.Groups.Where(g => g.Renormalized.Count > 0).SelectMany(g => g.Layers)]),
        };
        try
        {
            return pruner.PruneToMacs(graph, macs);
        }
        catch (WorkbookException)
        {
            return pruner.Prune(graph, Most);
        }
    }

    private static string Millions(long count) =>
        count >= 1e9 ? FormattableString.Invariant($"{count / 1e9:F2} G") : FormattableString.Invariant($"{count / 1e6:F2} M");

    private static double Milliseconds(nn.Module<Tensor, Tensor> network, Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Stopwatch watch = Stopwatch.StartNew();
        network.forward(input);
        return watch.Elapsed.TotalMilliseconds;
    }

    private static string Processor() => File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name",
        StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(':') + 2)..] : "a processor";
}
