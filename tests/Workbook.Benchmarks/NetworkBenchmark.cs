using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// Whole networks at 95 %, dense with zeros against sparse, on one thread, the arms in turn: forward, and a training step with everything that
/// belongs to it.
/// </summary>
internal static class NetworkBenchmark
{
    private const int Pairs = 9;
    private const double Sparsity = 0.95;
    private static readonly TimeSpan s_armTime = TimeSpan.FromMilliseconds(50);
    private static readonly (string Name, Func<nn.Module<Tensor, Tensor>> New, long[] Size, int Classes)[] s_networks =
    [
        ("ConvNet 16-32-32", () => new ConvNet(seed: 1), [1, 28, 28], 10),
        ("ConvNet 32-64-128", () => new ConvNet(seed: 1, 32, 64, 128), [1, 28, 28], 10),
        ("ResNet-18 of TorchVision", () => torchvision.models.resnet18(num_classes: 10), [3, 64, 64], 10),
        ("LeNet-5 6-16-120-84", () => LeNet5.Classic(seed: 1), [1, 28, 28], 10),
    ];

    static NetworkBenchmark() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);

    internal static void Run()
    {
        set_num_threads(1);
        Console.WriteLine("time of the dense network over that of the sparse one, at 95 %, median (min, max): forward; training step");
        foreach ((string name, Func<nn.Module<Tensor, Tensor>> make, long[] size, int classes) in s_networks)
        {
            using DisposeScope scope = NewDisposeScope();
            nn.Module<Tensor, Tensor> dense = make(), apart = make(), chained = make();
            Mask mask = new Pruner(Saliency.Magnitude).Prune(dense, Sparsity);
            mask.Apply(dense);
            Sparse.Convert(apart, mask, fromSparsity: 0);
            Conversion conversion = Sparse.Convert(chained, mask, fromSparsity: 0, example: rand([16, .. size]));
            Console.WriteLine($"\n{name}: {conversion.Layers.Count(l => l.StaysDense is null)} of {conversion.Layers.Count} layers sparse, "
                + $"{conversion.InPlanes.Count} layers hand planes on");
            if (dense is ConvNet)
            {
                Console.WriteLine($"  batch 64, the library's trainer: {Trained(make, mask)} at 95 %; {Trained(make, null)} with all weights");
            }

            foreach (int batch in new[] { 1, 64 })
            {
                Tensor images = rand([batch, .. size]), labels = randint(0, classes, [batch], ScalarType.Int64);
                foreach ((string kind, nn.Module<Tensor, Tensor> sparse) in new[] { ("layer by layer", apart), ("in a chain", chained) })
                {
                    string forward = Ratio(() => Forward(dense, images), () => Forward(sparse, images));
                    string step = batch == 1 ? "" : "; " + Step(dense, sparse, images, labels);
                    Console.WriteLine($"  batch {batch}, {kind}: {forward}{step}");
                }
            }
        }
    }

    /// <summary>Twenty-five steps by autograd over dense layers, against those of a training that chooses its layers itself.</summary>
    private static string Trained(Func<nn.Module<Tensor, Tensor>> make, Mask? mask)
    {
        LabelledTensors data = new(rand(1_600, 1, 28, 28), randint(0, 10, [1_600], ScalarType.Int64));
        Recipe recipe = new() { BatchSize = 64, Epochs = 1, LearningRate = 0.01 };
        return Ratio(() => Trainer.Train(make(), data, recipe, 1, mask, [new SparseTraining(2)]),
            () => Trainer.Train(make(), data, recipe, 1, mask, [new SparseTraining()]), pairs: 5);
    }

    private static string Step(nn.Module<Tensor, Tensor> dense, nn.Module<Tensor, Tensor> sparse, Tensor images, Tensor labels)
    {
        using optim.Optimizer ofDense = optim.SGD(dense.parameters(), 0.01, momentum: 0.9), ofSparse = optim.SGD(sparse.parameters(), 0.01, momentum: 0.9);
        dense.train();
        sparse.train();
        return Ratio(() => Step(dense, ofDense, images, labels), () => Step(sparse, ofSparse, images, labels));
    }

    private static void Step(nn.Module<Tensor, Tensor> model, optim.Optimizer optimizer, Tensor images, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        model.zero_grad();
        nn.functional.cross_entropy(model.forward(images), labels).backward();
        optimizer.step();
    }

    private static void Forward(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        using IDisposable noGrad = no_grad();
        model.eval();
        model.forward(images).Dispose();
    }

    private static string Ratio(Action dense, Action sparse, int pairs = Pairs)
    {
        double[] ratios = Alternating.Ratios(() => Time(dense), () => Time(sparse), pairs);
        return $"{Alternating.Median(ratios):F2} ({ratios.Min():F2}, {ratios.Max():F2}; {Time(dense) * 1e3:F2} and {Time(sparse) * 1e3:F2} ms)";
    }

    private static double Time(Action call) => Alternating.MedianCall(call, s_armTime);
}
