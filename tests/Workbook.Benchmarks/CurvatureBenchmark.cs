using System.Diagnostics;
using TorchSharp;
using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// What criteria take on ResNet-18 (random weights, images of 64×64, 10 classes of its 1,000): processor seconds of one thread, to score and to choose 90 %
/// of its weights, and the bytes that what they have to know takes.
/// </summary>
internal static class CurvatureBenchmark
{
    private const double Sparsity = 0.9;

    internal static void Run()
    {
        Libtorch.Load();
        set_num_threads(1);
        random.manual_seed(1);
        using nn.Module<Tensor, Tensor> model = torchvision.models.resnet18();
        model.eval();
        using LabelledTensors batch = new(rand(32, 3, 64, 64), randint(0, 10, [32], ScalarType.Int64)), few = batch.Slice(0, 8);
        Pruner by(Saliency saliency) => new(saliency) { Scope = Scope.Global() };
        Console.WriteLine("| criterion | examples | processor seconds | memory |\n|---|---|---|---|");
        Row("magnitude", 0, () => by(Saliency.Magnitude).Prune(model, Sparsity));
        Row("random, ERK", 0, () => new Pruner(Saliency.Random(1)) { Scope = LayerShares.ErdosRenyiKernel(model) }.Prune(model, Sparsity));
        Row("LAMP", 0, () => by(Saliency.Lamp).Prune(model, Sparsity));
        Row("SNIP", 32, () => by(EarlySaliency.Snip(model, batch)).Prune(model, Sparsity));
        Row("GraSP", 32, () => by(EarlySaliency.Grasp(model, batch)).Prune(model, Sparsity));
        Row("SynFlow, 1 round of 100", 0, () => by(EarlySaliency.SynFlow(model, 3, 64, 64)).Prune(model, Sparsity));
        Row("OBD, diagonal Fisher", 8, () => by(Fisher.OfWeights(model, few)).Prune(model, Sparsity));
        BlockFisher? fisher = null;
        Row("WoodFisher, its gradients", 8, () => fisher = BlockFisher.Of(model, few), 4.0 * 8 * Weights());
        Row("WoodFisher, the scores", 8, () => by(fisher!.Saliency).Prune(model, Sparsity));
        fisher!.Dispose();
        Calibration? inputs = null;
        Row("calibration", 32, () => inputs = Calibration.Of(model, batch.Inputs, batchSize: 8), double.NaN);
        Console.WriteLine($"moments: {inputs!.Moments.Sum(m => 8.0 * m.Value.numel()) / (1 << 20):F0} MB");
        Row("Wanda", 32, () => new Pruner(inputs.Wanda).Prune(model, Sparsity));
        Row("SparseGPT", 32, () => new SparseGpt(inputs).Prune(model, Sparsity));
        Console.WriteLine($"most memory of the process: {Process.GetCurrentProcess().PeakWorkingSet64 / (1 << 20):N0} MB");

        long Weights() => Prunable.Weights(model).Sum(w => w.Weight.numel());
    }

    private static void Row(string name, int examples, Action run, double bytes = 0)
    {
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        using (DisposeScope scope = NewDisposeScope())
        {
            run();
        }

        double seconds = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(FormattableString.Invariant($"| {name} | {examples} | {seconds:F1} | {(bytes > 0 ? $"{bytes / (1 << 20):F0} MB" : "")} |"));
    }
}
