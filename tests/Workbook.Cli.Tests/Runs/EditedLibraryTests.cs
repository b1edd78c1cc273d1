using Workbook.Cli.Sweeping;
using Workbook.Cli.Tests.Running;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Cli.Tests.Runs;

/// <summary>
/// The promise of the run store: an edit of the library that changes what a training computes gives no old run back, and one that does
/// not throws none away. The store is written by the library as it is.
/// </summary>
public sealed class EditedLibraryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-edited-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Asks a store for one training of each kind.</summary>
    /// <returns>The kinds that had to be trained.</returns>
    internal static string Ask(string folder)
    {
        using Generator generator = RandomStream.Of(1, "data");
        using LabelledTensors data = new(randn([60, 784], generator: generator), randint(0, 10, [60], generator: generator));
        Recipe recipe = new() { Epochs = 1, BatchSize = 10 };
        Mask mask = new Pruner(Saliency.Random(1)).Prune(new LeNet300100(1), 0.9), ofCurved = new Pruner(Saliency.Random(1)).Prune(Curved(), 0.9);
        return string.Join(' ', new (string Name, MaskSchedule? Mask, TrainingPart[] Parts)[]
        {
            ("dense", null, [Probe.Score(data)]),
            ("masked", mask, [new SparseTraining(2)]),
            ("RigL", DropAndGrow.RigL(mask) with { Every = 2 }, []),
            ("sparse", mask, []),
            ("curved", ofCurved, []),
        }.Where(kind =>
        {
            DateTimeOffset asked = DateTimeOffset.UtcNow;
            using nn.Module<Tensor, Tensor> network = kind.Name == "curved" ? Curved() : new LeNet300100(1);
            return RunStore.Open(folder).Train(network, data, recipe, 1, kind.Mask, kind.Parts).Finished >= asked;
        }).Select(kind => kind.Name));
    }

    /// <summary>Sparse linear layers that are no chain: they are trained one by one.</summary>
    private static TorchSharp.Modules.Sequential Curved() => Initializer.GlorotNormal.Apply(
        nn.Sequential(("fc1", nn.Linear(784, 30)), ("tanh", nn.Tanh()), ("fc2", nn.Linear(30, 10))), 1);

    internal static string Version() => LibraryCode.Version;

    /// <summary>Scores a network where the store keeps what is measured.</summary>
    /// <returns>How many measurements the store has then.</returns>
    internal static string Score(string folder)
    {
        using Generator generator = RandomStream.Of(1, "data");
        using LabelledTensors data = new(randn([60, 784], generator: generator), randint(0, 10, [60], generator: generator));
        using LeNet300100 network = new(1);
        using IDisposable keeping = RunStore.Open(folder).KeepMeasurements();
        Trainer.Evaluate(network, data);
        return $"{Directory.GetFiles(Path.Combine(folder, "measured")).Length}";
    }

    [Fact]
    public void An_edit_of_what_trains_trains_again_and_another_edit_answers_from_the_store()
    {
        const string All = "dense masked RigL sparse curved";
        const string Core = "Workbook", Trainer = "Training/Trainer.cs", Rig = "DynamicSparsity/DropAndGrow.cs";
        (string Project, string File, string Before, string After, string Again)[] edits =
        [
            (Core, "Training/SafeSteps.cs", "state.momentum_buffer, options.momentum!.Value", "state.momentum_buffer, -options.momentum!.Value", All),
            (Core, "Training/Recipe.cs", "Math.Cos(Math.PI * step / steps)", "Math.Cos(Math.PI * (step + 1) / steps)", All),
            (Core, "Pruning/BoundMask.cs", "            parameter.mul_(kept);", "            parameter.mul_(kept.mul(0.99));", "masked RigL"),
            (Core, Rig, "new(\"RigL\", start, _ => Saliency.GradientMagnitude)", "new(\"RigL\", start, _ => Saliency.GradientMagnitude.Inverted)", "RigL"),
            (Core, Rig, "mask.KeptOf(name) - moved[name])", "mask.KeptOf(name) - moved[name] / 2)", "RigL"),
            (Core, "Training/Recipe.cs", "Math.Round(Epochs * Math.Ceiling(", "Math.Round(Epochs * Math.Floor(1 + ", All),
            (Core, Trainer, "(double)right / data.Labels.numel()", "(double)right / (data.Labels.numel() + 1)", "dense"),
            ("Workbook.Sparse", "Layers/SparseFunction.cs", ": null!, valueGradients, call", ": null!, valueGradients.mul(0.99), call", "curved"),
            ("Workbook.Sparse", "Layers/LinearChain.cs", "float share = 1f / batch;", "float share = 0.9f / batch;", "sparse"),
            (Core, Trainer, "/// <summary>Trains and scores classifiers.</summary>", "// A remark.\n", ""),
            (Core, Trainer, "the training set is empty", "there is nothing to train on", ""),
            ("Workbook.Notebook", "Charts/Draw.Bars.cs", "namespace Workbook.Notebook;", "namespace Workbook.Notebook;\n\ninternal static class Wider;", ""),
        ];
        HashSet<string> versions = [];
        Assert.Equal(All, Ask(Store(-1)));
        Assert.Equal("1", Score(Store(-1)));
        Assert.Equal("1", Score(Store(-1)));
        for (int i = 0; i < edits.Length; i++)
        {
            (string project, string file, string before, string after, string again) = edits[i];
            CopyOf(Store(-1), Store(i));
            EditedLibrary edited = new(project, file, before, after);
            versions.Add(edited.Call(Version));
            Assert.Equal($"{file}: {again}", $"{file}: {edited.Call(Ask, Store(i))}");
            Assert.Equal($"{file}: ", $"{file}: {edited.Call(Ask, Store(i))}");
            Assert.Equal("", Ask(Store(i)));
            string measured = project == "Workbook.Notebook" ? "1" : "2";
            Assert.Equal($"{file}: {measured}", $"{file}: {edited.Call(Score, Store(i))}");
            Assert.Equal($"{file}: {measured}", $"{file}: {edited.Call(Score, Store(i))}");
        }

        Assert.Equal(edits.Length, versions.Distinct().Count()); // a sweep's points are another's after any edit
        using Workspace workspace = new();
        Assert.Contains("; computed otherwise than ", workspace.Run("runs", "list", "--runs", Store(0)).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("computed otherwise", workspace.Run("runs", "list", "--runs", Store(-1)).Output, StringComparison.Ordinal);
    }

    private string Store(int i) => Path.Combine(_folder, $"{i}");

    private static void CopyOf(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
