using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Sees what reaches every layer's inputs although <c>forward</c> runs no hooks. The forward pass runs with weights of 0, so that
/// every layer puts out its bias, whatever comes in, and only the operations in between act: activations, pooling, flatten,
/// +, concatenation. The backward pass finds other weights in the same memory, so that gradients pass every layer, and the gradient of a weight is
/// the input times the gradient of the output, which the gradient of the bias gives: the quotient is the input. That holds whatever the gradients are where
/// the input is the same at every position: the example becomes an image of ones, and of a kernel only the tap counts that never meets padding.
/// </summary>
internal sealed class ChannelProbe
{
    /// <summary>Inputs vary by 50% and more where they depend on a channel alone; rounding stays below 1e-5.</summary>
    private const double Noticeable = 1e-4;

    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly Tensor _example;
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly Tensor[] _passing;
    private readonly Tensor[] _resting;
    private readonly Tensor[] _raised;
    private readonly Reading _rest;
    private Tensor? _factors;

    /// <param name="model">In evaluation mode, its state kept by the caller.</param>
    /// <param name="example">An input of the model.</param>
    /// <param name="layers">All layers of the model.</param>
    internal ChannelProbe(nn.Module<Tensor, Tensor> model, Tensor example, IReadOnlyList<ChannelLayer> layers)
    {
        (_model, _example, _layers) = (model, ones_like(example), layers);
        using Generator generator = RandomStream.Of(0, "probe");
        using IDisposable noGrad = no_grad();
        // Positive and of size 1 / (outputs of a weight), so that gradients neither vanish nor grow with the depth.
        _passing = [.. layers.Select(l => l.IsNorm ? ones(l.Weight.shape, l.Weight.dtype) : rand(l.Weight.shape, l.Weight.dtype, generator: generator).add(0.5)
            .div(l.OutputsOfGroup))];
        _resting = [.. layers.Select(l => l.IsNorm ? zeros_like(l.Weight) : rand([l.Outputs], l.Weight.dtype, generator: generator).mul(0.2).add(0.3))];
        _raised = [.. layers.Zip(_resting, (l, b) => l.IsNorm ? b : rand([l.Outputs], l.Weight.dtype, generator: generator).mul(0.2).add(0.25).add(b))];
        foreach (ChannelLayer layer in layers)
        {
            // Contiguous whatever the weight was, for the copy of bytes between the passes.
            layer.Weight.set_(layer.IsNorm ? ones(layer.Weight.shape, layer.Weight.dtype) : zeros(layer.Weight.shape, layer.Weight.dtype));
            if (layer.Bias is { } bias)
            {
                bias.set_(zeros_like(bias));
            }
            else
            {
                layer.SetBias(new Parameter(zeros([layer.Outputs], layer.Weight.dtype)));
            }

            // A norm lets values pass.
            layer.SetStatistics(mean: 0, variance: 1);
            layer.Weight.requires_grad = layer.Bias!.requires_grad = true;
        }

        _rest = Read(_resting);
    }

    /// <summary>What a pass changed: for every layer one bool an input, and whether the model's output changed.</summary>
    internal sealed record Change(bool[][] Inputs, bool Output);

    /// <summary>Raises some channels and sees what changes.</summary>
    /// <param name="channels">Layer → int64 indices of its channels.</param>
    internal Change Raise(Func<int, IEnumerable<long>> channels)
    {
        using DisposeScope scope = NewDisposeScope();
        Reading now = Read([.. _layers.Select((l, i) => l.IsNorm || channels(i).ToArray() is not { Length: > 0 } chosen ? _resting[i]
            : _resting[i].index_copy(0, tensor(chosen), _raised[i].index_select(0, tensor(chosen))))]);
        return new([.. now.Inputs.Zip(_rest.Inputs, Differs)], Differs(now.Output, _rest.Output).Any(d => d));
    }

    /// <summary>For every layer one bool an input: whether it stays when all channels go to 0.</summary>
    /// <remarks>Close to 0, not at it: there ReLU has no gradient.</remarks>
    internal bool[][] StaysAtZero()
    {
        using DisposeScope scope = NewDisposeScope();
        Reading faint = Read([.. _resting.Select(b => b * 1e-6)]);
        return [.. faint.Inputs.Zip(_rest.Inputs, (now, rest) => now.Zip(rest, (n, r) => Math.Abs(n) > 1e-5 * Math.Abs(r)).ToArray())];
    }

    private static bool[] Differs(double[] now, double[] before) => [.. now.Zip(before, (n, b) => Math.Abs(n - b) > Noticeable * Math.Abs(b))];

    private sealed record Reading(double[][] Inputs, double[] Output);

    private Reading Read(Tensor[] biases)
    {
        using DisposeScope scope = NewDisposeScope();
        using (no_grad())
        {
            foreach ((ChannelLayer layer, Tensor bias) in _layers.Zip(biases))
            {
                layer.Bias!.copy_(bias);
                if (!layer.IsNorm)
                {
                    layer.Weight.zero_();
                }
            }
        }

        using IDisposable grad = enable_grad();
        Tensor output = Run();
        Tensor loss = (output * (_factors ??= Factors(output))).sum();
        foreach ((ChannelLayer layer, Tensor passing) in _layers.Zip(_passing))
        {
            // Past autograd, which would refuse a weight that changes between the passes.
            passing.bytes.CopyTo(layer.Weight.bytes);
        }

        IList<Tensor> gradients = loss.requires_grad
            ? autograd.grad([loss], [.. _layers.SelectMany(l => new Tensor[] { l.Weight, l.Bias! })], allow_unused: true)
            : [.. _layers.SelectMany(_ => new Tensor[] { null!, null! })];
        return new([.. _layers.Select((layer, i) => Inputs(layer, gradients[2 * i], gradients[(2 * i) + 1]))], Values(output));
    }

    /// <summary>Random: the plain sum of a softmax does not depend on its inputs.</summary>
    private static Tensor Factors(Tensor output)
    {
        using Generator generator = RandomStream.Of(0, "probe", "output");
        return rand(output.shape, output.dtype, generator: generator).add(0.5).MoveToOuterDisposeScope();
    }

    private Tensor Run()
    {
        try
        {
            return _model.Answer(_example);
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or IndexOutOfRangeException)
        {
            throw Refused(_example, e);
        }
    }

    internal static WorkbookException Refused(Tensor example, Exception e) =>
        new($"the model does not take the example input of shape [{string.Join(", ", example.shape)}]: {e.Message.Split('\n')[0].Trim()}", e);

    /// <summary>The inputs of a layer: per group Σ dW·db / Σ db².</summary>
    private static double[] Inputs(ChannelLayer layer, Tensor? weight, Tensor? bias)
    {
        if (weight is null || bias is null || weight.IsInvalid || bias.IsInvalid)
        {
            throw new WorkbookException($"'{layer.Name}' has no part in the output for the example input: layers that run only in training, or behind "
                + $"detach or argmax, can't be followed");
        }

        Tensor slopes = bias.reshape(layer.Groups, 1, layer.OutputsOfGroup);
        Tensor products = slopes.bmm(weight.reshape(layer.Groups, layer.OutputsOfGroup, -1)).reshape(layer.Groups, layer.InputsOfGroup, -1);
        double[] inputs = Values(products.select(2, layer.FullTap).div(slopes.mul(slopes).sum(2L)));
        return Array.FindIndex(inputs, v => !double.IsFinite(v)) is >= 0 and var blind
            ? throw new WorkbookException($"{layer.Shown(blind)} has no part in the output for the example input: it can't be followed")
            : inputs;
    }

    private static double[] Values(Tensor tensor) => tensor.detach().to(ScalarType.Float64).flatten().data<double>().ToArray();
}
