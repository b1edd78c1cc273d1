using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>What <c>forward</c> throws is said in one line, with the layer; so is what libtorch's own modules keep.</summary>
public sealed class ForwardFaultTests
{
    private sealed class Thrower(Func<Tensor, bool> throws) : Module<Tensor, Tensor>(nameof(Thrower))
    {
        public override Tensor forward(Tensor input) => throws(input) ? throw new InvalidOperationException("not today\nnor tomorrow") : input.relu();
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Faults => new()
    {
        { "the model's forward throws for the example input of shape [2, 4]: InvalidOperationException: not today, in 'middle', a Thrower",
            () => Sequential(("a", Linear(4, 4)), ("middle", new Thrower(_ => true)), ("b", Linear(4, 2))) },
        { "the model's forward throws for the example input of shape [2, 4]: InvalidOperationException: not today, in 'second', a Thrower",
            () => Sequential(("a", Linear(4, 4)), ("first", new Thrower(_ => false)), ("second", new Thrower(_ => true))) },
        { "the model does not take the example input of shape [2, 4]: mat1 and mat2 shapes cannot be multiplied (2x4 and 5x4), in 'b', a Linear",
            () => Sequential(("a", Linear(4, 4)), ("b", Linear(5, 4)), ("c", Linear(4, 2))) },
        { "the model's forward throws for other values than the example's, with which it is traced: InvalidOperationException: not today, in 'middle'",
            () => Sequential(("a", Linear(4, 4, hasBias: false)), ("middle", new Thrower(x => x.abs().max().item<double>() > 0.1)), ("b", Linear(4, 2))) },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void What_forward_throws_is_said_with_its_layer(string says, Func<Module<Tensor, Tensor>> build)
    {
        using DisposeScope scope = NewDisposeScope();
        Module<Tensor, Tensor> net = build();
        byte[] before = Pruned.State(net);
        string message = Assert.Throws<WorkbookException>(() => ChannelGraph.Trace(net, zeros(2, 4))).Message;
        Assert.StartsWith(says, message);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(before, Pruned.State(net));
        Assert.True(net.training);
    }

    private sealed class Around(Module native, Func<Tensor, Tensor> run) : Module<Tensor, Tensor>(nameof(Around))
    {
        private readonly Module inner = native;
        private readonly Linear a = Linear(4, 6), b = Linear(6, 8), c = Linear(8, 2);

        internal Around Registered()
        {
            RegisterComponents();
            return this;
        }

        public override Tensor forward(Tensor input) => c.forward(b.forward(run(a.forward(input).relu())).relu());
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Native => new()
    {
        { "an LSTM", () => LSTM(6, 6, batchFirst: true) is var l ? new Around(l, x => l.forward(x).Item1).Registered() : null! },
        { "a GRU", () => GRU(6, 6, batchFirst: true) is var l ? new Around(l, x => l.forward(x, null).Item1).Registered() : null! },
        { "an RNN", () => RNN(6, 6, batchFirst: true) is var l ? new Around(l, x => l.forward(x, null).Item1).Registered() : null! },
        { "a MultiheadAttention", () => MultiheadAttention(6, 2) is var l
            ? new Around(l, x => l.forward(x, x, x, null, false, null).Item1).Registered() : null! },
    };

    [Theory]
    [MemberData(nameof(Native), DisableDiscoveryEnumeration = true)]
    public void What_libtorchs_own_modules_read_stays_and_says_so_and_the_rest_goes(string kind, Func<Module<Tensor, Tensor>> build)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(5);
        Module<Tensor, Tensor> net = build();
        ChannelGraph graph = Pruned.Check(net, 0.5, zeros(3, 5, 4));
        Assert.StartsWith($"a: 6 units, all stay: 'inner', {kind}, reads them: libtorch's own modules have sizes that can't be changed", graph.ToString());
        Assert.Equal("b: 8 units", graph.Groups[1].ToString());
        Assert.Equal([4, 6], net.get_parameter("b.weight")!.shape);
    }
}
