using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Small networks and values for laws.</summary>
internal static class Small
{
    internal static readonly Gen<int> Seed = Gen.Int[0, 1_000_000];

    /// <summary>Exact fractions of small counts, so that ties of rounding occur.</summary>
    internal static readonly Gen<double> Sparsity = Gen.OneOf(Gen.Double[0, 1], Gen.Int[0, 8].Select(k => k / 8.0));

    internal static readonly Gen<int[]> Widths = Gen.Int[1, 7].Array[2, 4];

    /// <summary>A device that every machine has and that is not the CPU; its tensors have no values.</summary>
    internal static readonly Device OtherDevice = new(DeviceType.META);

    /// <summary>A chain of linear layers 0, 1, … with weights of a few values only, so that scores are often equal.</summary>
    internal static Sequential Net(int[] widths, int seed)
    {
        Sequential net = nn.Sequential(Enumerable.Range(0, widths.Length - 1)
            .Select(i => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Linear(widths[i], widths[i + 1]))));
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Parameter parameter) in net.named_parameters())
        {
            using Generator generator = RandomStream.Of(seed, name);
            parameter.copy_(rand(parameter.shape, generator: generator).mul(9).floor().sub(4).div(4));
        }

        return net;
    }
}
