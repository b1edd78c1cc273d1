using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Every deterministic function of torch.nn.utils.prune against ours, mask by mask; torch_prune.py wrote what PyTorch makes of the weights.</summary>
public sealed class TorchPruneTests
{
    private static readonly JsonElement s_golden =
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "torch_prune.json"))).RootElement;

    [Fact]
    public void L1_unstructured_and_ln_structured_alone_and_again_and_again()
    {
        int compared = 0;
        foreach (JsonElement golden in s_golden.GetProperty("cases").EnumerateArray())
        {
            using DisposeScope scope = NewDisposeScope();
            using Holder layer = new(Weight(golden));
            Mask? mask = null;
            foreach (JsonElement step in golden.GetProperty("steps").EnumerateArray())
            {
                Pruner pruner = new(Saliency.Magnitude)
                {
                    Granularity = step.TryGetProperty("dim", out JsonElement dim)
                    ? Granularity.Along(dim.GetInt32(), Norm(step)) : Granularity.Weight
                };
                mask = pruner.PruneMore(layer, AmountOf(step), mask);
            }

            Assert.True(golden.GetProperty("mask").GetString() == Bits(mask!["weight"]),
                $"{golden.GetProperty("layer")} {golden.GetProperty("dtype")} {golden.GetProperty("steps")}");
            mask.Apply(layer);
            Assert.True(layer.weight.equal(Weight(golden).mul(mask["weight"])).all().item<bool>());
            compared++;
        }

        Assert.InRange(compared, 900, int.MaxValue);
    }

    [Fact]
    public void Global_unstructured()
    {
        foreach (JsonElement golden in s_golden.GetProperty("global").EnumerateArray())
        {
            using DisposeScope scope = NewDisposeScope();
            JsonElement[] layers = [.. golden.GetProperty("layers").EnumerateArray()];
            string dtype = golden.GetProperty("dtype").GetString()!;
            using Sequential net = nn.Sequential(layers.Select(l =>
                (l.GetProperty("name").GetString()!, (nn.Module<Tensor, Tensor>)new Holder(Weight(l, dtype)))));
            Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.PruneMore(net, AmountOf(golden));
            Assert.All(layers, layer => Assert.Equal(layer.GetProperty("mask").GetString(), Bits(mask[$"{layer.GetProperty("name")}.weight"])));
        }
    }

    [Fact]
    public void Importance_scores()
    {
        foreach (JsonElement golden in s_golden.GetProperty("scored").EnumerateArray())
        {
            using DisposeScope scope = NewDisposeScope();
            using Holder layer = new(Weight(golden, "float32"));
            Dictionary<string, Tensor> scores = new() { ["weight"] = Weight(golden, "float32", "scores").abs() };
            Mask mask = new Pruner(Saliency.Given(scores)).PruneMore(layer, AmountOf(golden));
            Assert.Equal(golden.GetProperty("mask").GetString(), Bits(mask["weight"]));
        }
    }

    private static string Bits(Tensor mask) => string.Concat(mask.data<bool>().ToArray().Select(kept => kept ? '1' : '0'));

    private static double Norm(JsonElement step) => step.GetProperty("n").GetString() is "inf" ? double.PositiveInfinity
        : double.Parse(step.GetProperty("n").GetString()!);

    /// <summary>Python writes an integer for a count and a float, with a point, for a fraction.</summary>
    private static Amount AmountOf(JsonElement step)
    {
        JsonElement amount = step.GetProperty("amount");
        return amount.GetRawText().Contains('.') ? Amount.Fraction(amount.GetDouble()) : Amount.Count(amount.GetInt32());
    }

    private static Tensor Weight(JsonElement golden) => Weight(golden, golden.GetProperty("dtype").GetString()!);

    private static Tensor Weight(JsonElement golden, string dtype, string property = "weight")
    {
        byte[] bytes = golden.GetProperty(property).GetBytesFromBase64();
        long[] shape = [.. golden.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
        Tensor weight = zeros(shape, dtype switch { "float32" => ScalarType.Float32, "float64" => ScalarType.Float64, _ => ScalarType.BFloat16 });
        weight.bytes = bytes;
        return weight;
    }

    /// <summary>A layer that is nothing but its weight.</summary>
    private sealed class Holder : nn.Module<Tensor, Tensor>
    {
        public readonly Parameter weight;

        internal Holder(Tensor weight)
            : base(nameof(Holder))
        {
            this.weight = new Parameter(weight.clone());
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => input;
    }
}
