using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>What is counted in layers beside convolutions and linear ones, and that the rest is named.</summary>
public sealed class UsualLayersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void In_a_transposed_convolution_every_input_meets_the_kernels_of_its_channel(int groups)
    {
        using ConvTranspose2d layer = nn.ConvTranspose2d(4, 6, 3, stride: 2, padding: 1, groups: groups);
        ModelCount count = ModelCount.Of(layer, zeros(2, 4, 5, 7));
        Assert.Equal((5 * 7 * 4 * 6 / groups * 9, 5 * 7 * 4 * 6 / groups * 9), (count.Macs, count.EffectiveMacs));
        Assert.Empty(count.Uncounted);

        using ConvTranspose1d line = nn.ConvTranspose1d(4, 6, 3, groups: groups);
        using ConvTranspose3d cube = nn.ConvTranspose3d(4, 6, 2, dilation: 2, groups: groups);
        Assert.Equal(9 * 4 * 6 / groups * 3, ModelCount.Of(line, zeros(3, 4, 9)).Macs);
        Assert.Equal(2 * 3 * 4 * 4 * 6 / groups * 8, ModelCount.Of(cube, zeros([1, 4, 2, 3, 4])).Macs);
    }

    public static TheoryData<string, int, bool, long> Recurrent => new()
    {
        // Gates × units × (inputs + units), in both directions; the second level is given both directions' units.
        { "RNN", 1, false, 2 * 4 * (3 + 4 + 8 + 4) },
        { "GRU", 1, true, 3 * 2 * 4 * (3 + 4 + 8 + 4) },
        { "LSTM", 1, false, 4 * 2 * 4 * (3 + 4 + 8 + 4) },
        { "LSTM", 2, true, 4 * 2 * 4 * (3 + 4 + 8 + 4) },
    };

    [Theory]
    [MemberData(nameof(Recurrent))]
    public void A_recurrent_layer_counts_once_a_step_of_each_sequence(string kind, int batch, bool batchFirst, long aStep)
    {
        foreach (int steps in new[] { 1, 2, 7 })
        {
            using Sequences net = new(kind, batchFirst);
            string before = string.Join(' ', net.parameters().Select(p => p.sum().item<float>()));
            Tensor example = batchFirst ? zeros(batch, steps, 3) : zeros(steps, batch, 3);
            ModelCount count = ModelCount.Of(net, example);
            LayerCount layer = count.Layers.Single(l => l.Kind == kind);
            Assert.Equal(steps * batch * aStep / example.shape[0], layer.Macs);
            Assert.Empty(count.Uncounted);
            Assert.Equal(before, string.Join(' ', net.parameters().Select(p => p.sum().item<float>())));
            Assert.Equal<long>([.. example.shape[..2], 2], net.forward(example).shape);

            new Pruner(Saliency.Magnitude).Prune(net, 0.5).Apply(net);
            Assert.Equal(layer.Macs / 2, ModelCount.Of(net, example).Layers.Single(l => l.Kind == kind).EffectiveMacs);
        }
    }

    [Fact]
    public void What_multiplies_and_is_not_counted_is_named_and_what_does_not_is_not()
    {
        using Sequential net = nn.Sequential(("own", new OwnLayer(4, 4)), ("attention", nn.TransformerEncoderLayer(4, 2, 8)), ("norm", nn.LayerNorm(4)),
            ("p", nn.PReLU(1)), ("fc", nn.Linear(4, 2)));
        ModelCount count = ModelCount.Of(net, zeros(1, 5, 4));
        Assert.Equal(["own", "attention"], count.Uncounted);
        Assert.Equal(5 * 8, count.Macs);

        using Sequences given = new("LSTM", batchFirst: true, givesState: true);
        Assert.Equal(["layer"], ModelCount.Of(given, zeros(2, 5, 3)).Uncounted);
    }

    [Fact]
    public void A_model_that_changes_its_inputs_in_place_is_counted_and_traced_and_the_example_stays()
    {
        using InPlaceNet net = new();
        using Tensor example = ones(2, 6), before = example.clone();
        Assert.Equal((6 * 5) + (5 * 3), ModelCount.Of(net, example).Macs);
        ChannelGraph graph = ChannelGraph.Trace(net, example);
        Assert.Equal(["first"], graph.Groups.Where(g => g.WholeBecause is null).SelectMany(g => g.Layers));
        graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.4));
        Assert.Equal([2L, 3], net.forward(example.clone()).shape);
        Assert.True(example.equal(before).all().item<bool>());
    }

    [Fact]
    public void A_scope_that_includes_parameters_is_no_scope_of_channels()
    {
        using InPlaceNet net = new();
        ChannelPruner pruner = new(Saliency.Magnitude) { Scope = Scope.PerLayer().Including("first.bias") };
        Assert.Contains("includes first.bias is for a Pruner",
            Assert.Throws<WorkbookException>(() => pruner.Prune(ChannelGraph.Trace(net, ones(1, 6)), 0.4)).Message);
    }

    private sealed class Sequences : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module layer;
        private readonly Linear last = nn.Linear(8, 2);
        private readonly bool _givesState;

        internal Sequences(string kind, bool batchFirst, bool givesState = false)
            : base(nameof(Sequences))
        {
            _givesState = givesState;
            layer = kind switch
            {
                "RNN" => nn.RNN(3, 4, 2, batchFirst: batchFirst, bidirectional: true),
                "GRU" => nn.GRU(3, 4, 2, batchFirst: batchFirst, bidirectional: true),
                _ => nn.LSTM(3, 4, 2, batchFirst: batchFirst, bidirectional: true),
            };
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => last.forward(layer switch
        {
            RNN rnn => rnn.forward(input, null).Item1,
            GRU gru => gru.forward(input, null).Item1,
            LSTM lstm => lstm.forward(input, _givesState ? (zeros(4, input.shape[0], 4), zeros(4, input.shape[0], 4)) : null).Item1,
            _ => input,
        });
    }
}
