using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>
/// One training of each kind over a store, in this process or in one whose processor can do less: started with the
/// environment variable below, the test program asks for them and ends before it becomes a test program.
/// </summary>
internal static class BehaviourChild
{
    private const string Variable = "WORKBOOK_TEST_BEHAVIOUR";

    /// <summary>Asks for each training in a process of its own.</summary>
    /// <returns>What the process says: its widest vector, then the trainings that it had to do.</returns>
    internal static string[] Run(string store, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { Environment = { [Variable] = store }, RedirectStandardOutput = true };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Every kind of training that a record knows: name → the training.</summary>
    internal static IEnumerable<(string Name, Func<RunStore, Run> Train)> Trainings(LabelledTensors data)
    {
        LabelledTensors images = new(data.Inputs.reshape(-1, 1, 28, 28), data.Labels) { Name = "noisy images" };
        Recipe recipe = new() { Epochs = 0.4, BatchSize = 50 }, adam = recipe with { Optimizer = OptimizerKind.Adam, LearningRate = 1e-3 };
        Recipe decayed = recipe with { WeightDecay = 1e-4, DecayKernelsOnly = true, FirstStep = 1 };
        TrainingPart[] parts = [Probe.Score(data), Probe.GradientNorm(data.Slice(0, 100)), Probe.Checkpoints(0)];
        Mask mask = PrunedTo(0.95), random = new Pruner(Saliency.Random(1)) { Scope = Scope.PerLayer("fc3") }.Prune(new LeNet300100(1), 0.9);
        yield return ("dense", store => store.Train(new LeNet300100(1), data, recipe, 1, null, parts));
        yield return ("decayed", store => store.Train(new LeNet300100(1), data, decayed, 1));
        yield return ("masked", store => store.Train(new LeNet300100(1), data, recipe, 1, mask, parts));
        yield return ("RigL", store => store.Train(new LeNet300100(1), data, recipe, 1, DropAndGrow.RigL(random) with { Every = 2 }, parts));
        yield return ("SET", store => store.Train(new LeNet300100(1), data, recipe, 1, DropAndGrow.Set(random, 1) with { Every = 2 }, parts));
        GradualPruning gradual = new(new(Saliency.Magnitude), Schedule.Cubic(0.9, 2), 0, 2);
        yield return ("gradual", store => store.Train(new LeNet300100(1), data, recipe, 1, gradual, parts));
        yield return ("sparse layers", store => store.Train(new LeNet300100(1), data, recipe, 1, mask, [.. parts, new SparseTraining(0.5)]));
        yield return ("Adam", store => store.Train(new LeNet300100(1), data, adam, 1, mask, parts));
        yield return ("LeNet-5", store => store.Train(LeNet5.Wide(1), images, recipe, 1));
        yield return ("batch norm", store => store.Train(new ConvNet(1), images, recipe, 1));
        yield return ("batch norm, Adam", store => store.Train(new ConvNet(1), images, adam, 1));
        yield return ("a bias that batch norm takes out, Adam", store => store.Train(WithIdleBias(), images, adam, 1));
        yield return ("residual", store => store.Train(new ResidualNet(1), images, recipe, 1));
    }

    /// <summary>The gradient of the convolution's bias is 0 but for rounding, which Adam makes as large as any other.</summary>
    private static nn.Module<Tensor, Tensor> WithIdleBias() => Initializer.HeNormal.Apply(
        nn.Sequential(nn.Conv2d(1, 8, 3, stride: 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 13 * 13, 10)), seed: 1);

    private static Mask PrunedTo(double sparsity) => new Pruner(Saliency.Magnitude).Prune(new LeNet300100(1), sparsity);

#pragma warning disable CA2255 // As for the trainings that can be killed.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } folder)
        {
            return;
        }

        set_num_threads(1);
        Console.WriteLine($"{(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128)} bits");
        foreach ((string name, Func<RunStore, Run> train) in Trainings(Noise.Data()))
        {
            DateTimeOffset asked = DateTimeOffset.UtcNow;
            string? why = null;
            if (train(RunStore.Open(folder, line => why = line)).Finished >= asked)
            {
                Console.WriteLine($"{name} {why}".TrimEnd());
            }
        }

        Environment.Exit(0);
    }
}
