using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class MaskTests
{
    private static readonly Gen<Mask> s_mask = Gen.Select(Small.Seed, Small.Sparsity, (seed, sparsity) =>
    {
        using Sequential net = Small.Net([5, 4, 3], seed);
        return new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(net, sparsity);
    });

    [Fact]
    public void Intersection_is_commutative_associative_idempotent_and_never_keeps_more() =>
        Gen.Select(s_mask, s_mask, s_mask).Sample((a, b, c) =>
        {
            Assert.Equal(a.Intersect(b), b.Intersect(a));
            Assert.Equal(a.Intersect(b).Intersect(c), a.Intersect(b.Intersect(c)));
            Assert.Equal(a, a.Intersect(a));
            Assert.True(a.Intersect(b).Kept <= Math.Min(a.Kept, b.Kept));
        });

    [Fact]
    public void The_full_mask_keeps_all_and_is_neutral() => s_mask.Sample(mask =>
    {
        using Sequential net = Small.Net([5, 4, 3], 0);
        Mask full = Mask.Full(net);
        Assert.Equal(0, full.Sparsity);
        Assert.Equal(32, full.Kept);
        Assert.Equal(mask, mask.Intersect(full));
    });

    [Fact]
    public void Applying_zeroes_what_is_pruned_and_nothing_else() => Gen.Select(s_mask, Small.Seed).Sample((mask, seed) =>
    {
        using Sequential net = Small.Net([5, 4, 3], seed), before = Small.Net([5, 4, 3], seed);
        mask.Apply(net);
        foreach ((string name, Parameter parameter) in net.named_parameters())
        {
            float[] was = before.get_parameter(name)!.data<float>().ToArray();
            bool[] kept = mask.ContainsKey(name) ? mask[name].data<bool>().ToArray() : [.. was.Select(_ => true)];
            Assert.Equal(was.Zip(kept, (w, k) => k ? w : 0), parameter.data<float>().ToArray());
        }
    });

    [Fact]
    public void It_outlives_the_scope_it_was_made_in_and_copies_what_it_was_given()
    {
        Mask mask;
        using (NewDisposeScope())
        {
            Tensor bits = tensor(new float[] { 1, 0, 1 });
            mask = new Mask([KeyValuePair.Create("w", bits)]);
            bits.zero_();
        }

        Assert.Equal(2, mask.Kept);
        Assert.Equal(1 / 3.0, mask.SparsityOf("w"), 1e-12);
        Assert.Equal("33.3 % pruned: w 33.3 %", mask.ToString());
    }

    [Fact]
    public void Equality_is_by_value()
    {
        static Mask Of(string name, params float[] bits) => new([KeyValuePair.Create(name, tensor(bits))]);
        Assert.Equal(Of("w", 1, 0), Of("w", 1, 0));
        Assert.NotEqual(Of("w", 1, 0), Of("w", 0, 1));
        Assert.NotEqual(Of("w", 1, 0), Of("v", 1, 0));
        Assert.NotEqual(Of("w", 1, 0), Of("w", 1, 0, 0));
    }

    [Theory]
    [InlineData(ScalarType.Bool)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Zeros_and_ones_of_any_dtype_are_a_mask_for_weights_of_any_dtype(ScalarType dtype)
    {
        Mask mask = new([KeyValuePair.Create("weight", tensor(new[] { 1, 0, 0, 1 }).reshape(2, 2).to(dtype))]);
        foreach (ScalarType weights in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16 })
        {
            using Linear layer = nn.Linear(2, 2, dtype: weights);
            using IDisposable noGrad = no_grad();
            layer.weight.fill_(-3);
            mask.Apply(layer);
            Assert.Equal(weights, layer.weight.dtype);
            Assert.Equal([-3, 0, 0, -3], layer.weight.to(ScalarType.Float32).data<float>().ToArray());
        }
    }

    [Fact]
    public void A_model_that_moves_to_another_dtype_after_its_mask_was_bound_is_refused_and_can_be_bound_again()
    {
        using Linear layer = nn.Linear(2, 2);
        Mask mask = new([KeyValuePair.Create("weight", tensor(new[] { 1, 0, 0, 1 }).reshape(2, 2))]);
        using BoundMask before = mask.Bind(layer);
        layer.to(ScalarType.Float64);
        using optim.Optimizer optimizer = optim.SGD(layer.parameters(), 0.1);
        layer.forward(ones(1, 2, ScalarType.Float64)).sum().backward();
        Assert.Contains("bind masks after that", Assert.Throws<WorkbookException>(() => before.Step(optimizer)).Message);
        using BoundMask after = mask.Bind(layer);
        after.Step(optimizer);
        Assert.Equal(2, layer.weight.count_nonzero().item<long>());
    }

    public static TheoryData<string, Action<Sequential>> BadCalls => new()
    {
        { "values other than 0 and 1", net => new Mask([KeyValuePair.Create("w", tensor(new[] { 0.5f }))]).Apply(net) },
        { "values other than 0 and 1", net => new Mask([KeyValuePair.Create("w", tensor(new[] { 1f, float.NaN }))]).Apply(net) },
        { "values other than 0 and 1", net => new Mask([KeyValuePair.Create("w", tensor(new[] { 0, 2 }))]).Apply(net) },
        { "the mask of 'w' is on the device meta", net => new Mask([KeyValuePair.Create("w", ones(3, device: Small.OtherDevice))]).Apply(net) },
        { "the mask of 'w' is no tensor any more", net => { Tensor bits = ones(3); bits.Dispose(); new Mask([KeyValuePair.Create("w", bits)]).Apply(net); } },
        { "the parameter 'weight' is on the device meta", _ =>
            new Mask([KeyValuePair.Create("weight", ones(2, 2))]).Apply(nn.Linear(2, 2, device: Small.OtherDevice)) },
        { "names 'w' twice", net => new Mask([KeyValuePair.Create("w", ones(1)), KeyValuePair.Create("w", ones(1))]).Apply(net) },
        { "no parameter '7.weight'", net => new Mask([KeyValuePair.Create("7.weight", ones(1))]).Apply(net) },
        { "has shape [3, 3], the parameter [4, 5]", net => new Mask([KeyValuePair.Create("0.weight", ones(3, 3))]).Apply(net) },
        { "different shapes: [2] and [3]", _ => new Mask([KeyValuePair.Create("w", ones(2))]).Intersect(new Mask([KeyValuePair.Create("w", ones(3))])) },
        { "has no 'fc9'", net => Mask.Full(net).SparsityOf("fc9") },
    };

    [Theory]
    [MemberData(nameof(BadCalls), DisableDiscoveryEnumeration = true)]
    public void Bad_calls_end_in_one_line_and_leave_the_model(string says, Action<Sequential> call)
    {
        using Sequential net = Small.Net([5, 4, 3], 1), same = Small.Net([5, 4, 3], 1);
        WorkbookException e = Assert.Throws<WorkbookException>(() => call(net));
        Assert.Contains(says, e.Message);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(same.get_parameter("0.weight")!.data<float>().ToArray(), net.get_parameter("0.weight")!.data<float>().ToArray());
    }
}
