using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class RunStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-runs-").FullName;
    private readonly LabelledTensors _data = Noise.Data();
    private readonly List<string> _reports = [];

    public RunStoreTests() => set_num_threads(1);

    public void Dispose()
    {
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private RunStore Store() => RunStore.Open(_folder, _reports.Add);

    [Fact]
    public void A_finished_training_is_returned_at_once_with_its_weights_mask_and_metrics()
    {
        using LeNet300100 trained = new(1), again = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(trained, 0.9);
        Recipe recipe = new() { Epochs = 2 };
        ScoreProbe scored = Probe.Score(_data, every: 4);
        LossProbe loss = Probe.Loss(every: 4);
        TrainingPart[] parts = [scored, loss, Probe.Checkpoints(0, 3)];
        Run first = Store().Train(trained, _data, recipe, 1, mask, parts);
        Run second = Store().Train(again, _data, recipe, 1, mask, parts);

        Assert.Equal(first.Finished, second.Finished);
        Assert.All(trained.state_dict(), s => Assert.True(s.Value.Equals(again.state_dict()[s.Key])));
        Assert.Equal(mask, second.LoadMask());
        Assert.Equal([0, 4, 8, 10], second[scored].Accuracy.Steps);
        Assert.Equal([4, 8, 10], second[loss].Steps);
        Assert.Equal(Trainer.Evaluate(trained, _data).Loss, second[scored].Loss.Last);
        Assert.Equal(second[scored].Loss.Values, second.Metrics["noise loss"].Values);
        Assert.Equal([0, 3], second.Checkpoints);
        using LeNet300100 drawn = new(1), start = new(2);
        mask.Apply(drawn);
        second.LoadInto(start, checkpoint: 0);
        Assert.True(drawn.get_parameter("fc1.weight")!.Equals(start.get_parameter("fc1.weight")!));
    }

    [Fact]
    public void A_stored_training_is_the_plain_training()
    {
        using LeNet300100 stored = new(1), plain = new(1);
        Store().Train(stored, _data, new Recipe { Epochs = 2 }, seed: 5);
        Trainer.Train(plain, _data, new Recipe { Epochs = 2 }, seed: 5);
        Assert.All(plain.state_dict(), s => Assert.True(s.Value.Equals(stored.state_dict()[s.Key])));
    }

    [Fact]
    public void Sparse_layers_train_to_the_same_weights_and_leave_a_dense_model()
    {
        using LeNet300100 dense = new(1), sparse = new(1), again = new(1);
        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer((name, s) => name == "fc3.weight" ? s / 2 : s) }.Prune(dense, 0.95);
        Recipe recipe = new() { WeightDecay = 0.1, DecayKernelsOnly = true };
        TrainingPart[] parts = [Probe.Checkpoints(0), Probe.GradientNorm(_data), Probe.Score(_data)];
        Run plain = Store().Train(dense, _data, recipe, 1, mask, parts);
        Run run = Store().Train(sparse, _data, recipe, 1, mask, [.. parts, new SparseTraining(0.9)]);
        Store().Train(again, _data, recipe, 1, mask, [.. parts, new SparseTraining(0.9)]);
        Assert.Equal(plain.Metrics.Keys, run.Metrics.Keys);
        Assert.All(plain.Metrics, m => Assert.All(m.Value.Values.Zip(run.Metrics[m.Key].Values), v =>
            Assert.Equal(v.First, v.Second, 1e-3 * Math.Max(1, v.First))));
        Assert.Equal(dense.state_dict().Keys, sparse.state_dict().Keys);
        Assert.All(dense.state_dict(), s => Assert.True(s.Value.allclose(sparse.state_dict()[s.Key], 1e-3, 1e-4)));
        Assert.All(sparse.state_dict(), s => Assert.True(s.Value.Equals(again.state_dict()[s.Key])));
        Assert.Equal(mask, new Mask(mask.Select(m => KeyValuePair.Create(m.Key, sparse.get_parameter(m.Key)!.ne(0)))).Intersect(mask));
        Assert.Equal(Trainer.Evaluate(sparse, _data).Loss, run.Metrics["noise loss"].Last, 1e-4);
        using LeNet300100 fresh = new(2);
        Assert.Contains("first and last step only",
            Assert.Throws<WorkbookException>(() => Store().Train(fresh, _data, new(), 1, mask, Probe.Checkpoints(3), new SparseTraining(0.9))).Message,
                StringComparison.Ordinal);
        Assert.Equal(dense.state_dict().Keys, fresh.state_dict().Keys);
    }

    [Fact]
    public void Whatever_the_result_depends_on_makes_another_run()
    {
        using LeNet300100 network = new(1), other = new(2);
        using LabelledTensors part = _data.Slice(0, 300);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.5);
        Recipe recipe = new();
        RunRecord record = RunStore.Describe(network, _data, recipe, 1);
        using nn.Module<Tensor, Tensor> relu = nn.Sequential(nn.Linear(784, 10), nn.ReLU()), tanh = nn.Sequential(nn.Linear(784, 10), nn.Tanh());
        tanh.load_state_dict(relu.state_dict());
        string[] hashes =
        [
            record.Hash,
            RunStore.Describe(other, _data, recipe, 1).Hash,
            RunStore.Describe(network, part, recipe, 1).Hash,
            RunStore.Describe(network, _data, recipe with { LearningRate = 0.05 }, 1).Hash,
            RunStore.Describe(network, _data, recipe, 2).Hash,
            RunStore.Describe(network, _data, recipe, 1, mask).Hash,
            RunStore.Describe(network, _data, recipe, 1, Mask.Full(network)).Hash,
            RunStore.Describe(network, _data, recipe, 1, null, Probe.Loss(every: 7)).Hash,
            RunStore.Describe(network, _data, recipe, 1, null, new Remark("dropout", "0.5")).Hash,
            RunStore.Describe(relu, _data, recipe, 1).Hash,
            RunStore.Describe(tanh, _data, recipe, 1).Hash,
            (record with { Torch = "1.13.1" }).Hash,
        ];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
        using LeNet300100 frozen = new(1);
        frozen.get_parameter("fc1.weight")!.requires_grad = false;
        Assert.DoesNotContain(RunStore.Describe(frozen, _data, recipe, 1).Hash, hashes);
        Assert.Equal(record.Hash, RunStore.Describe(network, _data, new Recipe(), 1).Hash);
    }

    /// <summary>The same weights under a forward of another kind: what a notebook's author edits.</summary>
    private sealed class Edited(Func<Tensor, Tensor> activation, nn.Module<Tensor, Tensor> layer) : nn.Module<Tensor, Tensor>("Edited")
    {
        public override Tensor forward(Tensor input) => activation(layer.forward(input));
    }

    [Fact]
    public void A_changed_forward_makes_another_run_and_the_first_is_still_there()
    {
        using LabelledTensors few = _data.Slice(0, 60);
        Recipe recipe = new() { Epochs = 1, LearningRate = 0.01 };
        DateTimeOffset Trained(Func<Tensor, Tensor> activation)
        {
            nn.Module<Tensor, Tensor> layer = Initializer.HeNormal.Apply(nn.Linear(784, 10), seed: 1);
            using Edited edited = new(activation, layer);
            return Store().Train(edited, few, recipe, 1).Finished;
        }

        DateTimeOffset relu = Trained(x => x.relu()), tanh = Trained(x => x.tanh());
        Assert.NotEqual(relu, tanh);
        Assert.Contains("computes otherwise", Assert.Single(_reports), StringComparison.Ordinal);
        Assert.Equal([relu, tanh], [Trained(x => x.relu()), Trained(x => x.tanh())]);
        Assert.Equal(2, Store().List().Count);
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("weights.safetensors")]
    [InlineData("mask.safetensors")]
    [InlineData("step-5.safetensors")]
    [InlineData("SHA256SUMS")]
    public void A_damaged_file_is_noticed_and_the_run_done_again(string file)
    {
        Action<string>[] damages =
        [
            path => File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1]),
            path => File.WriteAllText(path, ""),
            path => Change(path),
            File.Delete,
        ];
        double loss = StoreChild.Train(Store(), _data, 0).Metrics["noise loss"].Last;
        foreach (Action<string> damage in damages)
        {
            StoredRun before = Assert.Single(Store().List());
            damage(Path.Combine(before.Folder, file));
            Assert.Equal(RunState.Damaged, Assert.Single(Store().List()).State);
            bool again = false;
            Run run = StoreChild.Train(Store(), _data, 0, _ => again = true);
            Assert.True(again);
            Assert.Equal(loss, run.Metrics["noise loss"].Last);
            Assert.Contains("damaged", _reports[^1], StringComparison.Ordinal);
            Assert.Equal(RunState.Finished, Assert.Single(Store().List()).State);
        }
    }

    [Theory]
    [InlineData("pipe", "SHA256SUMS")]
    [InlineData("pipe", "run.json")]
    [InlineData("pipe", "something else")]
    [InlineData("/dev/zero", "SHA256SUMS")]
    [InlineData("/dev/zero", "run.json")]
    [InlineData("/dev/zero", "weights.safetensors")]
    public void A_pipe_or_an_endless_device_among_a_runs_files_is_a_damage_and_keeps_nobody_waiting(string what, string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names of devices are Linux's");
        Odd.Put(what, Path.Combine(StoreChild.Train(Store(), _data, 0).Folder, name));
        StoredRun listed = Assert.Single(Store().List());
        Assert.Equal(RunState.Damaged, listed.State);
        Assert.Contains($"{name} is a", listed.Fault, StringComparison.Ordinal);
        Assert.True(Store().Delete(listed));
    }

    [Fact]
    public void A_run_in_the_place_of_another_is_noticed()
    {
        Run first = StoreChild.Train(Store(), _data, 0), second = StoreChild.Train(Store(), _data, 1);
        Directory.Delete(first.Folder, recursive: true);
        Directory.Move(second.Folder, first.Folder);
        StoredRun moved = Assert.Single(Store().List());
        Assert.Equal(RunState.Damaged, moved.State);
        Assert.Contains("describes another run", moved.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_that_fails_leaves_nothing()
    {
        using LeNet300100 network = new(1);
        RunRecord record = RunStore.Describe(network, _data, new(), 1);
        Assert.Throws<InvalidOperationException>(() => Store().Get(record, () => throw new InvalidOperationException()));
        Assert.Empty(Store().List());
        Assert.Equal([".locks"], Directory.EnumerateDirectories(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Threads_that_ask_for_the_same_training_share_it()
    {
        using LeNet300100 network = new(1);
        RunRecord record = RunStore.Describe(network, _data, new(), 1);
        int trained = 0;
        Run[] runs = Replicas.Run(Enumerable.Range(0, 4), _ => Store().Get(record, () =>
        {
            Interlocked.Increment(ref trained);
            Thread.Sleep(200);
            return new RunResult { Weights = network.state_dict() };
        }), threads: 4);
        Assert.Equal(1, trained);
        Assert.Single(runs.Select(r => r.Finished).Distinct());
        Assert.Contains(_reports, line => line.Contains("waiting", StringComparison.Ordinal));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_kept()
    {
        using LeNet300100 network = new(1);
        RunRecord record = RunStore.Describe(network, _data, new(), 1);
        Run run = Store().Get(record, () => new RunResult
        {
            Weights = network.state_dict(),
            Metrics = new Dictionary<string, Curve> { ["x"] = new([1, 2, 3], [double.NaN, double.PositiveInfinity, 0.1]) },
        });
        Assert.Equal([double.NaN, double.PositiveInfinity, 0.1], run.Metrics["x"].Values);
        Assert.Throws<WorkbookException>(() => run.Metrics["x"].At(4));
        Assert.Throws<WorkbookException>(() => run.LoadWeights(checkpoint: 7).Count);
    }

    [Fact]
    public void Notes_and_checkpoints_that_can_not_be_taken_are_refused_before_the_training()
    {
        using LeNet300100 network = new(1);
        Recipe recipe = new() { Epochs = 1 };
        Assert.Contains("every 0", Assert.Throws<WorkbookException>(() => Store().Train(network, _data, recipe, 1, null, Probe.Loss(every: 0))).Message,
            StringComparison.Ordinal);
        Assert.Contains("no weights of step 6", Assert.Throws<WorkbookException>(() => Store()
            .Train(network, _data, recipe, 1, null, Probe.Checkpoints(0, 6))).Message, StringComparison.Ordinal);
        Assert.Empty(Store().List());
    }

    [Fact]
    public void Deleting_takes_a_run_away()
    {
        StoreChild.Train(Store(), _data, 0);
        Assert.True(Store().Delete(Assert.Single(Store().List())));
        Assert.Empty(Store().List());
    }

    private static void Change(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
