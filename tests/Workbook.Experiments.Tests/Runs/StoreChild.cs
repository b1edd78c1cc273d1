using System.Diagnostics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>
/// Trainings over a store, in this process or in one that can be killed: started with the environment variable below,
/// the test program does them and ends before it becomes a test program.
/// </summary>
internal static class StoreChild
{
    private const string Variable = "WORKBOOK_TEST_TRAIN";

    /// <summary>A process that does the trainings of seeds 0, 1, … and says "training SEED" and "done SEED".</summary>
    internal static ProcessStartInfo Start(string store, int count) => new(Environment.ProcessPath!)
    {
        Environment = { [Variable] = $"{count}|{store}" },
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    /// <summary>A pruned training, or what the store has of it.</summary>
    internal static Run Train(RunStore store, LabelledTensors data, int seed, Action<int>? training = null)
    {
        using LeNet300100 network = new(seed);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.5);
        Recipe recipe = new() { Epochs = 4 };
        TrainingPart[] parts = [Probe.Score(data, every: 10), Probe.Loss(every: 10), Probe.Checkpoints(0, 5)];
        if (training is not null && store.Find(RunStore.Describe(network, data, recipe, seed, mask, parts)) is null)
        {
            training(seed);
        }

        return store.Train(network, data, recipe, seed, mask, parts);
    }

#pragma warning disable CA2255 // A second test project for one small program would cost more than it tells.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|', 2) is not [var count, var folder])
        {
            return;
        }

        try
        {
            set_num_threads(1);
            RunStore store = RunStore.Open(folder);
            LabelledTensors data = Noise.Data();
            for (int seed = 0; seed < int.Parse(count); seed++)
            {
                Train(store, data, seed, s => Console.WriteLine($"training {s}"));
                Console.WriteLine($"done {seed}");
            }

            Environment.Exit(0);
        }
        catch (WorkbookException e)
        {
            Console.Error.WriteLine(e.Message);
            Environment.Exit(2);
        }
    }
}
