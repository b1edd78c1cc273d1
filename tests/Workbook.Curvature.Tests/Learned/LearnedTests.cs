using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class LearnedTests
{
    private static readonly Recipe s_recipe = new() { Optimizer = OptimizerKind.Adam, Epochs = 40, BatchSize = 32, LearningRate = 0.01 };

    public static TheoryData<string> Parts => ["gates", "dropout", "thresholds", "surgery"];

    private static TrainingPart Part(string name, bool strong) => name switch
    {
        "gates" => new HardConcrete(strong ? 2e-3 : 1e-6) { Rate = 0.05 },
        "dropout" => new VariationalDropout(strong ? 1e-2 : 1e-5) { Rate = 0.05 },
        "thresholds" => new SoftThreshold(strong ? 5e-2 : 1e-5) { Rate = 0.05 },
        _ => new DynamicNetworkSurgery(strong ? 1 : -1),
    };

    /// <summary>Three classes, by the largest of three inputs of twelve.</summary>
    private static LabelledTensors Data()
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "data");
        Tensor inputs = randn([512, 12], generator: generator);
        return new(inputs, inputs[.., ..3].argmax(1));
    }

    private static Sequential Net() => Initializer.HeNormal.Apply(Sequential(("a", Linear(12, 24)), ("relu", ReLU()), ("b", Linear(24, 3))), 1);

    [Theory]
    [MemberData(nameof(Parts))]
    public void A_stronger_penalty_leaves_fewer_weights_which_still_tell_the_classes_and_the_mask_says_which(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using Sequential much = Net(), little = Net();
        Mask few = Trainer.Train(little, data, s_recipe, 1, null, Part(name, strong: true)).LoadMask()!;
        Mask many = Trainer.Train(much, data, s_recipe, 1, null, Part(name, strong: false)).LoadMask()!;
        Assert.True(few.Sparsity > 0.3 && few.Sparsity > many.Sparsity + 0.1, $"{few}; {many}");
        Assert.True(Trainer.Evaluate(little, data).Accuracy > 0.9, $"{Trainer.Evaluate(little, data)}");
        foreach ((string weight, Tensor kept) in few)
        {
            Assert.True(little.named_parameters().First(p => p.name == weight).parameter.ne(0).eq(kept).all().item<bool>());
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void What_was_learned_is_folded_in_so_that_the_network_answers_alike_without_the_part(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using Sequential net = Initializer.HeNormal.Apply(Sequential(("c", Conv2d(1, 6, 3, padding: 1)), ("relu", ReLU()), ("flat", Flatten()),
            ("b", Linear(72, 3))), 1);
        using LabelledTensors images = new(data.Inputs.reshape(-1, 1, 3, 4), data.Labels.clone());
        ScoreProbe probe = Probe.Score(images);
        TrainingLog log = Trainer.Train(net, images, s_recipe with { Epochs = 4 }, 1, null, Part(name, strong: true), probe);
        Assert.Equal(log[probe].Loss.Last, Trainer.Evaluate(net, images).Loss, 1e-5);
        using Sequential again = Initializer.HeNormal.Apply(Sequential(("c", Conv2d(1, 6, 3, padding: 1)), ("relu", ReLU()), ("flat", Flatten()),
            ("b", Linear(72, 3))), 1);
        Trainer.Train(again, images, s_recipe with { Epochs = 4 }, 1, null, Part(name, strong: true));
        Assert.Equal(State.Of(net), State.Of(again));
    }

    [Fact]
    public void Under_a_mask_what_is_pruned_stays_pruned_and_layers_left_out_stay_as_they_are()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        using Sequential net = Net();
        Mask given = new Pruner(Saliency.Magnitude).Prune(net, 0.5, null);
        Mask learned = Trainer.Train(net, data, s_recipe with { Epochs = 5 }, 1, given, new HardConcrete(1e-3) { Rate = 0.05, Except = ["b"] }).LoadMask()!;
        Assert.Equal(learned, learned.Intersect(given));
        Assert.Equal(given.KeptOf("b.weight"), learned.KeptOf("b.weight"));
    }

    [Fact]
    public void Slimming_shrinks_the_scales_of_norms_and_its_channels_go_with_little_loss()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors data = Data();
        Sequential Net() => Initializer.HeNormal.Apply(Sequential(("a", Linear(12, 24)), ("norm", BatchNorm1d(24)), ("relu", ReLU()), ("b", Linear(24, 3))), 1);
        using Sequential plain = Net(), slim = Net();
        Trainer.Train(plain, data, s_recipe, 1, null);
        Trainer.Train(slim, data, s_recipe, 1, null, new NetworkSlimming(0.02));
        double Scales(Module net) => net.named_parameters().First(p => p.name == "norm.weight").parameter.abs().sum().item<float>();
        Assert.True(Scales(slim) < 0.5 * Scales(plain), $"{Scales(slim)} {Scales(plain)}");
        double before = Trainer.Evaluate(slim, data).Accuracy;
        ChannelGraph graph = ChannelGraph.Trace(slim, data.Inputs[..4]);
        graph.Remove(new ChannelPruner(Saliency.Magnitude) { Slices = ScoredSlices.BatchNormScale }.Prune(graph, 0.5));
        Assert.Equal(12, slim.named_parameters().First().parameter.shape[0]);
        Assert.True(Trainer.Evaluate(slim, data).Accuracy > before - 0.05);
    }

    [Fact]
    public void What_cannot_be_learned_is_said_in_one_line()
    {
        using LabelledTensors data = Data();
        using Sequential net = Net();
        string Fault(TrainingPart part, Module<Tensor, Tensor>? model = null) =>
            Assert.Throws<WorkbookException>(() => Trainer.Train(model ?? net, data, s_recipe, 1, null, part)).Message;
        Assert.Equal("hard-concrete gates takes a strength from 0 on and a rate above 0, not Strength = -1, Rate = 0.01", Fault(new HardConcrete(-1)));
        Assert.Contains("between 0 and 1, not 1", Fault(new HardConcrete(1) { Closed = 1 }), StringComparison.Ordinal);
        Assert.Contains("batch norms with scales: the model has none", Fault(new NetworkSlimming(0.1)), StringComparison.Ordinal);
        Assert.Contains("there is no layer 'c' to leave out", Fault(new SoftThreshold(0.1) { Except = ["c"] }), StringComparison.Ordinal);
        Assert.Contains("strength from 0 on, not NaN", Fault(new NetworkSlimming(double.NaN)), StringComparison.Ordinal);
    }
}
