using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class PrunableTests
{
    /// <summary>Every layer of TorchSharp with parameters, and which of them are weights.</summary>
    public static TheoryData<string, Func<nn.Module>, string[]> Layers => new()
    {
        { "Linear", () => nn.Linear(3, 2), ["weight"] },
        { "Bilinear", () => nn.Bilinear(3, 2, 4), ["weight"] },
        { "Conv1d", () => nn.Conv1d(3, 2, 3), ["weight"] },
        { "Conv3d in groups", () => nn.Conv3d(4, 2, 3, groups: 2), ["weight"] },
        { "ConvTranspose2d", () => nn.ConvTranspose2d(3, 2, 3), ["weight"] },
        { "Embedding", () => nn.Embedding(5, 3), ["weight"] },
        { "EmbeddingBag", () => nn.EmbeddingBag(5, 3), ["weight"] },
        { "GRU", () => nn.GRU(3, 4, 1, bidirectional: true), ["weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse"] },
        { "LSTMCell", () => nn.LSTMCell(3, 4), ["weight_ih", "weight_hh"] },
        { "MultiheadAttention", () => nn.MultiheadAttention(4, 2, kdim: 3, vdim: 5), ["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"] },
        { "TransformerEncoderLayer", () => nn.TransformerEncoderLayer(4, 2, 8),
            ["self_attn.in_proj_weight", "self_attn.out_proj.weight", "linear1.weight", "linear2.weight"] },
        { "BatchNorm2d", () => nn.BatchNorm2d(3), [] },
        { "InstanceNorm1d", () => nn.InstanceNorm1d(3, affine: true), [] },
        { "GroupNorm", () => nn.GroupNorm(2, 4), [] },
        { "LayerNorm of one dimension", () => nn.LayerNorm(4), [] },
        { "LayerNorm of three", () => nn.LayerNorm([4, 8, 8]), [] },
        { "PReLU", () => nn.PReLU(3), [] },
        { "ParameterList", () => nn.ParameterList(new Parameter(ones(3, 3))), [] },
        { "one's own", () => new OwnLayer(3, 4), [] },
        { "one's own that says so", () => new OwnWeightedLayer(3, 4), ["kernel"] },
        { "one's own matrix called weight", () => new Named("weight", ones(3, 4)), ["weight"] },
        { "one's own kernel called weight", () => new Named("weight", ones(2, 1, 3, 3)), ["weight"] },
        { "one's own scale called weight", () => new Named("weight", ones(8, 1, 1)), [] },
        { "one's own weight norm", () => new Named("weight_g", ones(3, 4)), [] },
    };

    [Theory]
    [MemberData(nameof(Layers), DisableDiscoveryEnumeration = true)]
    public void The_layer_decides_which_of_its_parameters_are_weights_wherever_it_is(string _, Func<nn.Module> create, string[] weights)
    {
        using nn.Module layer = create();
        Assert.Equal(weights, Prunable.Weights(layer).Select(w => w.Name));
        using Pair within = new(layer, nn.Linear(2, 2));
        Assert.Equal([.. weights.Select(w => $"a.{w}"), "b.weight"], Prunable.Weights(within).Select(w => w.Name));
    }

    [Fact]
    public void A_norm_of_three_dimensions_is_neither_pruned_nor_drawn_nor_decayed()
    {
        using LayerNorm norm = nn.LayerNorm([4, 8, 8]);
        using Sequential net = nn.Sequential(("conv", nn.Conv2d(1, 4, 3, padding: 1)), ("norm", norm), ("flat", nn.Flatten()), ("fc", nn.Linear(256, 10)));
        Assert.Equal(["conv.weight", "fc.weight"], new Pruner(Saliency.Magnitude).Prune(net, 0.9).Keys);
        using (no_grad())
        {
            norm.weight!.fill_(3);
        }

        Initializer.HeNormal.Apply(net, seed: 1);
        Assert.True(norm.weight.eq(3).all().item<bool>() && norm.bias!.eq(0).all().item<bool>());

        // Of a network that has learnt nothing, decay alone moves what decays.
        using LabelledTensors data = new(zeros(8, 1, 8, 8), zeros(8, ScalarType.Int64));
        using (no_grad())
        {
            net.get_parameter("fc.weight")!.zero_();
        }

        Trainer.Train(net, data, new Recipe { Epochs = 1, LearningRate = 0.1, WeightDecay = 0.5, DecayKernelsOnly = true }, seed: 1);
        Assert.True(norm.weight.eq(3).all().item<bool>());
    }

    [Fact]
    public void A_layer_of_ones_own_that_says_what_its_weight_is_is_drawn_decayed_and_pruned()
    {
        using OwnWeightedLayer layer = new(6, 3);
        using IDisposable noGrad = no_grad();
        layer.bias.fill_(1);
        layer.scale.fill_(2);
        float before = layer.kernel[0, 0].item<float>();
        Initializer.HeNormal.Apply(layer, seed: 1);
        Assert.Equal((false, 0, 2), (before == layer.kernel[0, 0].item<float>(), layer.bias.max().item<float>(), layer.scale.max().item<float>()));
        Mask mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.5);
        Assert.Equal(("50.0 % pruned: kernel 50.0 %; not pruned: scale (3), bias (3)", 9L), (mask.ToString(), mask.Kept));

        layer.kernel.zero_();
        layer.kernel[0].fill_(1);
        layer.scale.fill_(0); // no gradient reaches the kernel
        using LabelledTensors data = new(ones(4, 6), zeros(4, ScalarType.Int64));
        using IDisposable grad = enable_grad();
        layer.scale.requires_grad = false;
        Trainer.Train(layer, data, new Recipe { Epochs = 1, LearningRate = 0.5, Cosine = false, WeightDecay = 0.5, DecayKernelsOnly = true }, seed: 1);
        Assert.Equal(0.75f, layer.kernel[0, 0].item<float>());
    }

    [Fact]
    public void What_is_left_out_is_named_with_its_size()
    {
        using Sequential net = nn.Sequential(("own", new OwnLayer(20, 100)), ("r", nn.ReLU()), ("fc", nn.Linear(100, 10)));
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.9);
        Assert.Equal("90.0 % pruned: fc.weight 90.0 %; not pruned: own.kernel (2000), own.scale (100), own.bias (100), fc.bias (10)", mask.ToString());
        Assert.EndsWith("not pruned: own.kernel (2000), own.scale (100), fc.weight (1000), own.bias (100), fc.bias (10)", Mask.Full(net, Scope.Global("fc"))
            .For(net).ToString().Replace("0.0 % pruned: ; ", ""));
        Mask whole = mask.Intersect(Mask.Full(net, Scope.PerLayer().Including("own")));
        Assert.Equal([("fc.bias", 10)], whole.NotPruned);
        Assert.Equal(mask.NotPruned, mask.Shuffled(1).NotPruned);

        using Sequential deep = Small.Net([.. Enumerable.Repeat(2, 12)], 1);
        Assert.EndsWith("7.bias (2) and 3 more (6)", new Pruner(Saliency.Magnitude).Prune(deep, 0.5).ToString());
    }

    [Fact]
    public void Whatever_is_named_is_ranked_with_the_weights_or_by_itself() => Gen.Select(Small.Widths, Small.Seed, Small.Sparsity)
        .Sample((widths, seed, sparsity) =>
    {
        using DisposeScope tensors = NewDisposeScope();
        using Sequential net = Small.Net(widths, seed);
        string[] biases = [.. net.named_parameters().Select(p => p.name).Where(name => name.EndsWith("bias"))];
        Mask global = new Pruner(Saliency.Magnitude) { Scope = Scope.Global().Including(biases) }.Prune(net, sparsity);
        Assert.Equal(net.parameters().Sum(p => p.numel()), global.Total);
        Assert.Equal((long)Math.Round(sparsity * global.Total, MidpointRounding.ToEven), global.Total - global.Kept);
        Assert.Empty(global.NotPruned);
        float[] Sizes(bool kept) => [.. global.SelectMany(m => net.get_parameter(m.Key)!.abs().masked_select(m.Value.eq(kept)).data<float>().ToArray())];
        Assert.True(Sizes(false).DefaultIfEmpty(0).Max() <= Sizes(true).DefaultIfEmpty(float.MaxValue).Min());

        Mask each = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer().Including(biases) }.Prune(net, sparsity);
        Assert.All(each, m => Assert.Equal((long)Math.Round(sparsity * m.Value.numel(), MidpointRounding.ToEven), m.Value.numel() - each.KeptOf(m.Key)));
        each.Apply(net);
        Assert.All(biases, name => Assert.Equal(0, net.get_parameter(name)!.masked_select(each[name].logical_not()).count_nonzero().item<long>()));
    });

    [Fact]
    public void A_bias_alone_a_whole_layer_a_scalar_and_rows_of_a_bias_can_be_named()
    {
        using Sequential net = nn.Sequential(("a", nn.Linear(4, 4)), ("n", nn.BatchNorm1d(4)), ("s", new Named("s", tensor(0.5f))));
        Pruner Of(params string[] including) => new(Saliency.Magnitude) { Scope = Scope.Global("a.weight").Including(including) };
        Assert.Equal(["a.bias"], Of("a.bias").Prune(net, 0.5).Keys);
        Assert.Equal(["n.bias", "n.weight", "s.s"], Of("n", "s.s").Prune(net, 0.5).Keys);
        Assert.Equal(1, Of("s").Prune(net, 1).Total);
        Mask rows = (Of("a.bias") with { Granularity = Granularity.Row(1) }).Prune(net, 0.5);
        Assert.Equal((2, Of("a.bias").Prune(net, 0.5)), (rows.Kept, rows));
        Assert.Equal(2, (Of("a.bias") with { Granularity = Granularity.NofM(1, 1) }).Prune(net, 0).Kept / 2);
    }

    [Fact]
    public void Schedules_and_searches_prune_what_the_scope_names()
    {
        using Sequential net = nn.Sequential(("own", new OwnLayer(6, 8)), ("r", nn.ReLU()), ("fc", nn.Linear(8, 3)));
        using LabelledTensors data = new(randn(64, 6), randint(0, 3, 64));
        Pruner pruner = new(Saliency.Magnitude) { Scope = Scope.Global().Including("own.kernel", "fc.bias") };
        Recipe recipe = new() { Epochs = 4, BatchSize = 16, LearningRate = 0.05 };
        Mask gradual = Trainer.Train(net, data, recipe, 1, new GradualPruning(pruner, [0.25, 0.5], 0, 4), []).LoadMask()!;
        Assert.Equal((75, 37), (gradual.Total, gradual.Kept));
        Assert.All(gradual, m => Assert.Equal(0, net.get_parameter(m.Key)!.masked_select(m.Value.logical_not()).count_nonzero().item<long>()));
        Mask start = (pruner with { Scope = Scope.PerLayer().Including("own.kernel", "fc.bias") }).Prune(net, 0.5);
        Mask moved = Trainer.Train(net, data, recipe, 1, DropAndGrow.RigL(start) with { Every = 2 }, []).LoadMask()!;
        Assert.NotEqual(start["own.kernel"].data<bool>().ToArray(), moved["own.kernel"].data<bool>().ToArray());
        Assert.Equal(start["fc.bias"].data<bool>().ToArray(), moved["fc.bias"].data<bool>().ToArray());
        Assert.Equal(start.Kept, moved.Kept);
        Assert.Equal([("own.scale", 8L), ("own.bias", 8L)], moved.NotPruned);
    }

    public static TheoryData<string, Action> BadCalls => new()
    {
        { "no parameter 'posi' to prune; the parameters are kernel, scale, bias", () =>
            new Pruner(Saliency.Magnitude) { Scope = Scope.Global().Including("posi") }.Prune(new OwnLayer(2, 2), 0.5) },
        { "no layer says that one of kernel, scale, bias is a weight; name parameters to prune with Scope.PerLayer().Including(\"kernel\")", () =>
            new Pruner(Saliency.Magnitude).Prune(new OwnLayer(2, 2), 0.5) },
        { "it has no parameters (RegisterComponents()", () => new Pruner(Saliency.Magnitude).Prune(nn.ReLU(), 0.5) },
        { "every layer of the model is left out", () =>
            new Pruner(Saliency.Magnitude) { Scope = Scope.Global("kernel").Including("kernel") }.Prune(new OwnLayer(2, 2), 0.5) },
        { "a parameter of shape [2] has 1", () =>
            new Pruner(Saliency.Magnitude) { Granularity = Granularity.NofM(2, 4), Scope = Scope.PerLayer("weight").Including("bias") }.Prune(nn.Linear(4, 2),
                0.5) },
        { "a parameter of shape [2] has no dimension 1", () =>
            new Pruner(Saliency.Magnitude) { Granularity = Granularity.Column(), Scope = Scope.PerLayer("weight").Including("bias") }.Prune(nn.Linear(4, 2),
                0.5) },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_names_end_in_one_line_that_says_which_there_are(string says, Action call)
    {
        WorkbookException e = Assert.Throws<WorkbookException>(call);
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Integers_of_every_type_are_counts()
    {
        using Linear layer = nn.Linear(20, 10);
        Pruner pruner = new(Saliency.Magnitude);
        byte b = 1;
        sbyte sb = 1;
        short s = 1;
        ushort us = 1;
        char c = '\u0001';
        nint n = 1;
        nuint nu = 1;
        const long One = 1;
        Amount[] counts = [b, sb, s, us, c, n, nu, One, 1, 1U, 1L, 1UL, layer.weight.shape[0] / 10];
        Assert.All(counts, amount => Assert.Equal(199, pruner.PruneMore(layer, amount).Kept));
        Assert.Equal(180, pruner.PruneMore(layer, layer.weight.numel() / 10).Kept);
        Assert.All<Amount>([1.0, 1f], amount => Assert.Equal(0, pruner.PruneMore(layer, amount).Kept));
        Assert.Contains("up to 9223372036854775807", Assert.Throws<WorkbookException>(() => pruner.PruneMore(layer, ulong.MaxValue)).Message);
        Assert.Contains("from 0, not -1", Assert.Throws<WorkbookException>(() => pruner.PruneMore(layer, -1L)).Message);
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Products_of_small_numbers_are_scored_in_single_precision(ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear layer = nn.Linear(100, 50, hasBias: false, dtype: dtype);
        using Generator generator = RandomStream.Of(0, "half");
        Tensor gradient = randn([50, 100], generator: generator).mul(1e-4).to(dtype);
        using (no_grad())
        {
            layer.weight.copy_(randn([50, 100], generator: generator).mul(1e-2));
        }

        layer.weight.grad = gradient;
        Tensor right = layer.weight.detach().to(ScalarType.Float64).mul(gradient.to(ScalarType.Float64)).square();
        foreach (Saliency saliency in new[] { Saliency.Taylor, Saliency.GradientTimesWeight })
        {
            Assert.Equal(ScalarType.Float32, saliency.Score("weight", layer.weight).dtype);
            Assert.Equal(new Pruner(Saliency.Given(new Dictionary<string, Tensor> { ["weight"] = right })).Prune(layer, 0.5),
                new Pruner(saliency).Prune(layer, 0.5));
        }

        Assert.All([Saliency.Magnitude, Saliency.GradientMagnitude, Saliency.Taylor.Inverted], s =>
            Assert.Equal(ScalarType.Float32, s.Score("weight", layer.weight).dtype));
    }

    private sealed class Pair : nn.Module
    {
        internal Pair(nn.Module a, nn.Module b)
            : base(nameof(Pair))
        {
            register_module("a", a);
            register_module("b", b);
        }
    }

    /// <summary>A module of one parameter with any name.</summary>
    private sealed class Named : nn.Module<Tensor, Tensor>
    {
        internal Named(string name, Tensor value)
            : base(nameof(Named)) => register_parameter(name, new Parameter(value));

        public override Tensor forward(Tensor input) => input;
    }
}
