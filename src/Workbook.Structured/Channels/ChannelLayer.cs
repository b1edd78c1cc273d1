using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What linear layers, convolutions and batch norms have in common: channels in, channels out, a weight and a bias.</summary>
internal sealed class ChannelLayer
{
    private readonly nn.Module _module;

    private ChannelLayer(string name, nn.Module module, Parameter weight, Parameter? bias, int groups)
    {
        (Name, _module, Weight, Groups) = (name, module, weight, groups);
        Outputs = (int)weight.shape[0];
        Inputs = IsNorm ? Outputs : (int)weight.shape[1] * groups;
        HadBias = bias is not null;
    }

    internal string Name { get; }

    internal Parameter Weight { get; }

    internal int Outputs { get; }

    internal int Inputs { get; }

    /// <summary>Blocks of channels that see only each other: for a batch norm every channel is one.</summary>
    internal int Groups { get; }

    internal bool HadBias { get; }

    internal bool IsNorm => _module is BatchNorm;

    internal Parameter? Bias => _module switch { Linear l => l.bias, Convolution c => c.bias, _ => ((BatchNorm)_module).bias };

    internal int OutputsOfGroup => Outputs / Groups;

    internal int InputsOfGroup => Inputs / Groups;

    /// <summary>The weight of a kernel, counted through, that meets the input and not its padding at every position: the one at the padding's
    /// distance.</summary>
    internal long FullTap => _module is not Convolution c ? 0 : c.kernel_size.Select((size, d) => (Size: size, Tap: Math.Min(size - 1,
        c.padding is { } padding ? (padding[d] + c.dilation[d] - 1) / c.dilation[d] : c.padding_type == Padding.Same ? (size - 1) / 2 : 0)))
            .Aggregate(0L, (tap, d) => (tap * d.Size) + d.Tap);

    internal string WeightName => NameOf("weight");

    /// <summary>The layer of a module, null where a module has no parameters of its own.</summary>
    /// <exception cref="WorkbookException">It has parameters and its channels are not known.</exception>
    internal static ChannelLayer? Of(string name, nn.Module module)
    {
        string called = name.Length == 0 ? "the model" : $"'{name}'";
        return module switch
        {
            Linear l => new(name, l, l.weight!, l.bias, 1),
            Convolution { transposed: false } c => new(name, c, c.weight!, c.bias, (int)c.groups),
            BatchNorm { affine: true, track_running_stats: true } b => new(name, b, b.weight!, b.bias, (int)b.num_features),
            BatchNorm => throw new WorkbookException(
                $"{called}, a {module.GetType().Name}, has no scale or no running statistics: its channels can't be followed"),
            _ when module.named_parameters(false).Select(p => p.name).FirstOrDefault() is { } parameter => throw new WorkbookException(
                $"{called}, a {module.GetType().Name}, has a parameter '{parameter}' whose channels are not known; Linear, convolutions and BatchNorm are"),
            _ => null,
        };
    }

    /// <summary>The tensors that belong to its channels, with their names in the model.</summary>
    internal IEnumerable<(string Name, Tensor Tensor)> Parameters => Bias is { } bias ? [(WeightName, Weight), (NameOf("bias"), bias)] : [(WeightName, Weight)];

    /// <summary>Parameters and running statistics.</summary>
    internal IEnumerable<Tensor> State => Parameters.Select(p => p.Tensor).Concat(_module is BatchNorm b ? [b.running_mean!, b.running_var!] : []);

    /// <summary>Sets the running statistics of a norm.</summary>
    internal void SetStatistics(double mean, double variance)
    {
        if (_module is BatchNorm norm)
        {
            norm.running_mean!.set_(full_like(norm.running_mean, mean));
            norm.running_var!.set_(full_like(norm.running_var, variance));
        }
    }

    /// <summary>A layer without a bias gets one for as long as its values are held fixed.</summary>
    internal void SetBias(Parameter? bias)
    {
        if (_module is Linear linear)
        {
            linear.bias = bias!;
        }
        else
        {
            ((Convolution)_module).bias = bias!;
        }
    }

    /// <summary>Removes channels; the tensors stay the same objects with new contents.</summary>
    /// <param name="outputs">Int64 [kept outputs].</param>
    /// <param name="inputs">Int64 [kept inputs]; of a layer in groups both are those of whole groups.</param>
    internal void Keep(Tensor outputs, Tensor inputs)
    {
        foreach (Tensor tensor in State)
        {
            Tensor kept = tensor.detach().index_select(0, outputs);
            tensor.set_(ReferenceEquals(tensor, Weight) && Groups == 1 && !IsNorm ? kept.index_select(1, inputs) : kept);
        }

        SetWidths(inputs.numel(), outputs.numel());
    }

    /// <summary>Writes the numbers of channels that the module itself keeps beside its tensors.</summary>
    internal void SetWidths(long inputs, long outputs)
    {
        switch (_module)
        {
            case Linear linear:
                (linear.in_features, linear.out_features) = (inputs, outputs);
                break;
            case Convolution convolution:
                (InChannels(convolution), CheckedChannels(convolution), OutChannels(convolution)) = (inputs, inputs, outputs);
                convolution.groups = inputs / InputsOfGroup is var groups && Groups > 1 ? groups : 1;
                break;
            default:
                Features((NormBase)_module) = outputs;
                break;
        }
    }

    /// <summary>Whether the module still has this weight, in its shape: not after removal, nor after a move to another dtype.</summary>
    internal bool IsCurrent => ReferenceEquals(_module switch { Linear l => l.weight, Convolution c => c.weight, _ => ((BatchNorm)_module).weight }, Weight)
        && Weight.shape[0] == Outputs && (IsNorm || Weight.shape[1] == InputsOfGroup);

    internal string Shown(int channel) => $"channel {channel} of '{Name}'";

    private string NameOf(string parameter) => Name.Length == 0 ? parameter : $"{Name}.{parameter}";

    // TorchSharp lets groups and a linear layer's widths be set, but not these; forward checks its input against them.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<in_channels>k__BackingField")]
    private static extern ref long InChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<out_channels>k__BackingField")]
    private static extern ref long OutChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "input_channels")]
    private static extern ref long CheckedChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<num_features>k__BackingField")]
    private static extern ref long Features(NormBase norm);
}
