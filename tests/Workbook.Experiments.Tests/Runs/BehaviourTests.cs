using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>torch's default generator is one for all threads: whoever looks at it has to be alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class DefaultGenerator
{
    public const string Name = "default generator";
}

/// <summary>What makes a stored training another one, beside its record: see <see cref="Behaviour"/>.</summary>
[Collection(DefaultGenerator.Name)]
public sealed class BehaviourTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-behaviour-").FullName;
    private readonly LabelledTensors _data = Noise.Data();
    private readonly Recipe _recipe = new() { Epochs = 0.5, BatchSize = 50 };

    public BehaviourTests() => set_num_threads(1);

    public void Dispose()
    {
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_store_of_one_machine_answers_on_a_machine_whose_processor_can_do_less()
    {
        string[] first = BehaviourChild.Run(_folder);
        Assert.Equal(BehaviourChild.Trainings(_data).Select(t => t.Name), first[1..]);
        string[] narrow = BehaviourChild.Run(
            _folder, ("DOTNET_EnableAVX512", "0"), ("ATEN_CPU_CAPABILITY", "avx2"), ("MKL_ENABLE_INSTRUCTIONS", "AVX2"), ("ONEDNN_MAX_CPU_ISA", "AVX2"));
        Assert.Equal("", string.Join('\n', narrow[1..]));
        Assert.Contains(narrow[0], (string[])["256 bits", "128 bits"]);
        string[] narrower = BehaviourChild.Run(
            _folder, ("DOTNET_EnableAVX2", "0"), ("ATEN_CPU_CAPABILITY", "avx2"), ("MKL_CBWR", "COMPATIBLE"), ("ONEDNN_MAX_CPU_ISA", "SSE41"));
        Assert.Equal("", string.Join('\n', narrower[1..]));
        Assert.Equal("128 bits", narrower[0]);
    }

    /// <summary>A saliency of a notebook's: its name says nothing of its body, nor does a ToString.</summary>
    private sealed class Own(Func<Tensor, Tensor> score) : Saliency
    {
        public override Tensor Score(string name, Parameter weight) => score(weight);
    }

    /// <summary>A schedule of a notebook's: the same words, whatever it does.</summary>
    private sealed record OwnSchedule(Func<long, bool> Changes, Func<nn.Module, Mask, long, Mask> Body) : MaskSchedule
    {
        public override Mask Start(nn.Module model) => Mask.Full(model);

        public override bool ChangesAfter(long step) => Changes(step);

        public override Mask Next(nn.Module model, Mask mask, TrainingMoment moment) => Body(model, mask, moment.Step);

        public override string Describe(nn.Module model) => "own";

        public override void Check(long steps)
        {
        }
    }

    private sealed record OwnProbe(Func<TrainingProgress, double> Body) : TrainingPart
    {
        public override string Name => "own";

        public override string Describe() => "own";

        public override void AfterStep(TrainingProgress training) => training.Note("own", Body(training));
    }

    /// <summary>A network of a notebook's, with a dropout from a generator of its own.</summary>
    private sealed class OwnModel : nn.Module<Tensor, Tensor>
    {
        private readonly Linear layer = nn.Linear(784, 10);
        private readonly Generator coin = RandomStream.Of(1, "coin");
        private readonly Func<Tensor, Tensor> _body;

        internal OwnModel(Func<Tensor, Tensor> body)
            : base(nameof(OwnModel))
        {
            _body = body;
            RegisterComponents();
            Initializer.HeNormal.Apply(this, seed: 1);
        }

        internal int Calls { get; private set; }

        public override Tensor forward(Tensor input)
        {
            Calls++;
            using DisposeScope scope = NewDisposeScope();
            Tensor kept = training ? input * rand(input.shape, generator: coin).lt(0.5) : input;
            return _body(layer.forward(kept)).MoveToOuterDisposeScope();
        }
    }

    private sealed class OfOneBatchSize(nn.Module<Tensor, Tensor> layer) : nn.Module<Tensor, Tensor>("OfOneBatchSize")
    {
        public override Tensor forward(Tensor input) => layer.forward(input.reshape(50, 784));
    }

    [Fact]
    public void Another_body_of_a_saliency_a_schedule_a_probe_or_a_network_is_another_run()
    {
        MaskSchedule Gradual(Func<Tensor, Tensor> score) => new GradualPruning(new(new Own(score)), [0.5, 0.8], 0, 2);
        Mask Halve(nn.Module model, Mask mask, long step) => new Pruner(Saliency.Magnitude).Prune(model, 0.5, mask);
        Mask Third(nn.Module model, Mask mask, long step) => new Pruner(Saliency.Magnitude).Prune(model, 0.3, mask);
        Mask HalveLate(nn.Module model, Mask mask, long step) => step < 4 ? mask : Third(model, mask, step);
        OwnSchedule Schedule(long first, Func<nn.Module, Mask, long, Mask> body) => new(step => step == first || step == 4, body);
        Func<RunStore, Run>[][] bodies =
        [
            [With(Gradual(w => w.abs())), With(Gradual(w => w.abs().neg())), With(Gradual(w => w.grad!.abs())), With(Gradual(w => w))],
            [With(Schedule(2, Halve)), With(Schedule(2, Third)), With(Schedule(2, HalveLate)), With(Schedule(3, Halve))],
            [With(new OwnProbe(t => t.Loss)), With(new OwnProbe(t => 2 * t.Loss)), With(new OwnProbe(t => t.Step))],
            [Of(x => x), Of(x => x.relu()), Of(x => x.tanh()), Of(x => x * 1.01), Of(x => x * 0.05)],
            [Dropping(0.1), Dropping(0.9)],
        ];
        foreach (Func<RunStore, Run>[] kind in bodies)
        {
            RunStore store = RunStore.Open(Path.Combine(_folder, $"{Array.IndexOf(bodies, kind)}"));
            string[] first = [.. kind.Select(train => train(store).Folder)];
            Assert.Equal(kind.Length, first.Distinct().Count());
            Assert.Equal(first, kind.Select(train => train(store).Folder));
        }

        Func<RunStore, Run> With(object what) => store =>
        {
            using LeNet300100 network = new(1);
            return store.Train(network, _data, _recipe, 1, what as MaskSchedule, what is TrainingPart part ? [part] : []);
        };

        Func<RunStore, Run> Dropping(double share) => store =>
        {
            using nn.Module<Tensor, Tensor> network = Initializer.HeNormal.Apply(nn.Sequential(nn.Linear(784, 30), nn.Dropout(share), nn.Linear(30, 10)), 1);
            return store.Train(network, _data, _recipe, 1);
        };

        Func<RunStore, Run> Of(Func<Tensor, Tensor> body) => store =>
        {
            using OwnModel network = new(body);
            return store.Train(network, _data, _recipe, 1);
        };
    }

    [Fact]
    public void Where_a_run_is_found_nothing_else_has_changed()
    {
        using LeNet300100 first = new(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(first, 0.9);
        foreach ((MaskSchedule? schedule, TrainingPart[] parts) in new (MaskSchedule?, TrainingPart[])[]
        {
            (null, []),
            (DropAndGrow.RigL(mask) with { Every = 2 }, [Probe.Score(_data), Probe.GradientNorm(_data), Probe.Checkpoints(0, 3)]),
            (mask, [new SparseTraining(0.5)]),
        })
        {
            using LeNet300100 trained = new(1), found = new(1);
            Run run = RunStore.Open(_folder).Train(trained, _data, _recipe, 1, schedule, parts);
            Trainer.Backward(found, _data.Slice(0, 50));
            found.train();
            Dictionary<string, (Parameter Parameter, Tensor Value, Tensor Gradient)> before = found.named_parameters()
                .ToDictionary(p => p.name, p => (p.parameter, p.parameter.detach().clone(), p.parameter.grad!.clone()));
            Tensor random = get_rng_state();
            Behaviour.Of(found, _data, _recipe, 1, schedule, parts);
            Assert.All(found.named_modules(), m => Assert.True(m.module.training));
            Assert.All(found.named_parameters(), p => Assert.True(p.parameter.Equals(before[p.name].Value)));
            Assert.Equal(run.Finished, RunStore.Open(_folder).Train(found, _data, _recipe, 1, schedule, parts).Finished);
            Assert.All(found.named_parameters(), p =>
            {
                Assert.Equal(before[p.name].Parameter.Handle, p.parameter.Handle);
                Assert.True(p.parameter.grad!.Equals(before[p.name].Gradient));
            });
            Assert.True(get_rng_state().Equals(random));
            Assert.All(trained.state_dict(), s => Assert.True(s.Value.Equals(found.state_dict()[s.Key])));
        }
    }

    [Fact]
    public void Batch_norms_statistics_are_as_before_a_training_is_tried()
    {
        using LabelledTensors images = new(_data.Inputs.reshape(-1, 1, 28, 28), _data.Labels.clone());
        using ConvNet network = new(1);
        Dictionary<string, Tensor> before = network.state_dict().ToDictionary(s => s.Key, s => s.Value.detach().clone());
        Behaviour.Of(network, images, _recipe, 1, null, []);
        Assert.All(network.state_dict(), s => Assert.True(s.Value.Equals(before[s.Key])));
        Assert.All(network.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void A_network_that_draws_from_a_generator_of_its_own_is_trained_as_without_the_store()
    {
        using OwnModel stored = new(x => x), plain = new(x => x);
        RunStore.Open(_folder).Train(stored, _data, _recipe, 1);
        Trainer.Train(plain, _data, _recipe, 1);
        Assert.All(plain.state_dict(), s => Assert.True(s.Value.Equals(stored.state_dict()[s.Key])));
        Assert.True(stored.Calls > plain.Calls);
    }

    [Fact]
    public void A_network_that_takes_batches_of_one_size_only_can_be_stored()
    {
        OfOneBatchSize Network() => new(Initializer.HeNormal.Apply(nn.Linear(784, 10), seed: 1));
        using OfOneBatchSize first = Network(), second = Network();
        Assert.Equal(RunStore.Open(_folder).Train(first, _data, _recipe, 1).Finished, RunStore.Open(_folder).Train(second, _data, _recipe, 1).Finished);
    }

    [Fact]
    public void A_network_with_torchs_own_dropout_finds_its_run_and_leaves_the_draws_that_follow()
    {
        Run Train()
        {
            using nn.Module<Tensor, Tensor> network = Initializer.HeNormal.Apply(nn.Sequential(nn.Dropout(0.5), nn.Linear(784, 10)), seed: 1);
            return RunStore.Open(_folder).Train(network, _data, _recipe, 1);
        }

        DateTimeOffset trained = Train().Finished;
        manual_seed(5);
        Tensor drawn = rand(3);
        using nn.Module<Tensor, Tensor> same = Initializer.HeNormal.Apply(nn.Sequential(nn.Dropout(0.5), nn.Linear(784, 10)), seed: 1);
        manual_seed(5);
        Assert.Equal(trained, RunStore.Open(_folder).Train(same, _data, _recipe, 1).Finished);
        Assert.True(rand(3).Equals(drawn));
    }
}
