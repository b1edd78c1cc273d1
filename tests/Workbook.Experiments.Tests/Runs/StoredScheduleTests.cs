using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class StoredScheduleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-schedules-").FullName;
    private readonly LabelledTensors _data = Noise.Data();

    public StoredScheduleTests() => set_num_threads(1);

    public void Dispose()
    {
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_training_with_a_schedule_keeps_the_mask_of_its_end_and_the_norms_of_its_gradient()
    {
        using LeNet300100 trained = new(1), again = new(1);
        Mask start = new Pruner(Saliency.Random(1)).Prune(trained, 0.9);
        DropAndGrow schedule = DropAndGrow.RigL(start) with { Every = 3, LastStep = 8 };
        GradientNormProbe norm = Probe.GradientNorm(_data, every: 4);
        Run first = RunStore.Open(_folder).Train(trained, _data, new Recipe { Epochs = 2 }, 1, schedule, norm);
        Run second = RunStore.Open(_folder).Train(again, _data, new Recipe { Epochs = 2 }, 1, schedule, norm);

        Assert.Equal(first.Finished, second.Finished);
        Mask end = second.LoadMask()!;
        Assert.NotEqual(start, end);
        Assert.All(start.Keys, name => Assert.Equal(start.KeptOf(name), end.KeptOf(name)));
        Assert.All(end, m => Assert.Equal(0, again.get_parameter(m.Key)!.masked_select(m.Value.logical_not()).count_nonzero().item<long>()));
        Assert.Equal([0, 4, 8, 10], second[norm].All.Steps);
        Assert.Equal([0, 4, 8, 10], second[norm].Layers["fc2"].Steps);
        Assert.Equal([3, 6], second[norm].BeforeChange.Steps);
        Assert.Equal([3, 6], second[norm].AfterChange.Steps);
        Assert.Equal(GradientNorm.Of(again, _data, end).All, second[norm].All.Last, 1e-6);
        Assert.NotEqual(second[norm].BeforeChange.Last, second[norm].AfterChange.Last);
        using LeNet300100 drawn = new(1);
        start.Apply(drawn);
        Assert.Equal(GradientNorm.Of(drawn, _data, start).All, second[norm].All.At(0), 1e-6);
    }

    [Fact]
    public void Schedules_that_differ_are_other_runs_and_a_mask_is_the_run_that_it_always_was()
    {
        using LeNet300100 network = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.5);
        DropAndGrow rigL = DropAndGrow.RigL(mask);
        GradualPruning gradual = new(new(Saliency.Magnitude), Schedule.Cubic(0.9, 3), 0, 2);
        MaskSchedule[] schedules =
        [
            mask,
            rigL,
            rigL with { Fraction = 0.2 },
            rigL with { Every = 50 },
            rigL with { LastStep = 5 },
            rigL with { Decay = DropDecay.LearningRate },
            rigL with { Drop = Saliency.Magnitude.Inverted },
            DropAndGrow.RigL(Mask.Full(network)),
            DropAndGrow.InvertedRigL(mask),
            DropAndGrow.Set(mask, 1),
            DropAndGrow.Set(mask, 2),
            gradual,
            gradual with { FirstStep = 1 },
            gradual with { Every = 3 },
            gradual with { Sparsities = Schedule.Cubic(0.8, 3) },
            gradual with { Sparsities = [0.2, 0.3, 0.9] },
            gradual with { Pruner = new(Saliency.Taylor) },
            gradual with { Pruner = new(Saliency.Random(1)) },
            gradual with { Pruner = new(Saliency.Random(2)) },
            gradual with { Pruner = new(Saliency.Given(mask)) },
            gradual with { Pruner = gradual.Pruner with { Granularity = Granularity.Row() } },
            gradual with { Pruner = gradual.Pruner with { Granularity = Granularity.NofM(1, 2) } },
            gradual with { Pruner = gradual.Pruner with { Scope = Scope.Global() } },
            gradual with { Pruner = gradual.Pruner with { Scope = Scope.PerLayer("fc3") } },
            gradual with { Pruner = gradual.Pruner with { Scope = Scope.PerLayer((name, s) => name == "fc3.weight" ? s / 2 : s) } },
            gradual with { Pruner = gradual.Pruner with { Scope = Scope.PerLayer((name, s) => name == "fc3.weight" ? s / 3 : s) } },
        ];
        RunRecord[] records = [.. schedules.Select(s => RunStore.Describe(network, _data, new(), 1, s))];
        Assert.Equal(records.Length, records.Select(r => r.Hash).Distinct().Count());
        Assert.Equal(records.Select(r => r.Hash), schedules.Select(s => RunStore.Describe(network, _data, new(), 1, s).Hash));
        Assert.Equal(["sparse layers", "training loss"], records[0].More.Keys);
        Assert.NotEqual(
            RunStore.Describe(network, _data, new(), 1).Hash,
            RunStore.Describe(network, _data, new() { DecayKernelsOnly = true }, 1).Hash);
    }

    [Fact]
    public void A_hash_and_a_random_mask_are_the_same_in_every_culture()
    {
        using LeNet300100 network = new(1);
        (RunRecord[] Records, Mask Random, string Words) Described()
        {
            Mask mask = new Pruner(Saliency.Random(-7)).Prune(network, 0.5);
            GradualPruning gradual = new(new(Saliency.Random(-3)), [0.25, 0.5], 0, 2);
            MaskSchedule[] schedules =
            [
                DropAndGrow.Set(mask, -3),
                DropAndGrow.RigL(mask) with { Fraction = 0.2 },
                gradual,
                gradual with { Pruner = new(new Scaled()) { Granularity = Granularity.NofM(1, 2) } },
            ];
            Remark remark = new("dropout", FormattableString.Invariant($"{0.1}"));
            RunRecord[] records = [.. schedules.Select(s =>
                RunStore.Describe(network, _data, new() { LearningRate = 0.15 }, -1, s, remark, Probe.Score(_data, every: 3), Probe.Loss()))];
            return (records, mask, string.Join('\n', records.Select(r => $"{r} {string.Join(' ', r.More)}")));
        }

        var plain = Described();
        using OddCulture odd = new();
        var again = Described();
        Assert.Equal(plain.Random, again.Random);
        Assert.Equal(plain.Words, again.Words);
        Assert.Contains("-3", again.Words, StringComparison.Ordinal);
        Assert.Equal(plain.Records.Select(r => r.Hash), again.Records.Select(r => r.Hash));
    }

    /// <summary>A saliency of the user's own, which knows nothing of cultures.</summary>
    private sealed class Scaled : Saliency
    {
        public override Tensor Score(string name, TorchSharp.Modules.Parameter weight) => weight.detach().abs();

        public override string ToString() => $"scaled by {-0.5}";
    }

    [Fact]
    public void Sparse_layers_do_not_go_with_a_changing_mask()
    {
        using LeNet300100 network = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.95);
        WorkbookException changing = Assert.Throws<WorkbookException>(() => RunStore.Open(_folder)
            .Train(network, _data, new(), 1, DropAndGrow.RigL(mask), new SparseTraining(0.9)));
        Assert.Contains("a mask that stays", changing.Message);
    }
}
