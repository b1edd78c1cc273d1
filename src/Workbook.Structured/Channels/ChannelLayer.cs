using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What layers with channels have in common: channels in, channels out, and tensors with a dimension for each.</summary>
internal sealed partial class ChannelLayer
{
    private readonly nn.Module? _module;
    private double _eps;
    private Parameter? _shift;

    private ChannelLayer(string name, nn.Module? module, Parameter weight, int groups, params IEnumerable<Part> parts)
    {
        (Name, _module, Weight, Groups) = (name, module, weight, groups);
        Parts = [.. parts];
        Outputs = Parts.FirstOrDefault(p => p.Out >= 0) is { } rows ? (int)rows.Tensor.shape[rows.Out] : groups;
        Inputs = IsNorm ? Outputs : Parts.SelectMany(p => p.In).Sum(i => i.Count);
        if (module is Convolution c && groups > 1)
        {
            Inputs = c.transposed ? (int)c.weight.shape[0] : (int)c.weight.shape[1] * groups;
        }

        HadBias = Bias is not null;
    }

    /// <summary>A tensor of a layer.</summary>
    /// <param name="Name">Its name in the model; null for buffers, which are cut but not masked.</param>
    /// <param name="Tensor">The object that the module holds.</param>
    /// <param name="Out">The dimension of the layer's outputs, −1 for none.</param>
    /// <param name="In">The dimensions of its inputs, and which of them: from where on, how many.</param>
    internal sealed record Part(string? Name, Tensor Tensor, int Out, params (int Dim, int Offset, int Count)[] In);

    internal string Name { get; }

    internal Parameter Weight { get; }

    internal IReadOnlyList<Part> Parts { get; }

    internal int Outputs { get; }

    internal int Inputs { get; }

    /// <summary>Blocks of channels that see only each other: for a batch norm every channel is one.</summary>
    internal int Groups { get; }

    internal bool HadBias { get; }

    /// <summary>Whether each input is an output, scaled: a norm, or slopes.</summary>
    internal bool IsNorm => _module is NormBase or LayerNorm or GroupNorm or PReLU;

    internal bool IsSlopes => _module is PReLU;

    /// <summary>Whether it is a norm without parameters, which has some only while it is probed.</summary>
    internal bool IsBare => _module is NormBase { affine: false };

    /// <summary>A parameter of the model's own, or an embedding: it makes channels out of no others.</summary>
    internal bool IsSource => _module is null or Embedding;

    /// <summary>Whether it makes channels of its own, and can lose some.</summary>
    internal bool IsProducer => !IsNorm;

    /// <summary>A norm over all of its channels, which gives others something else where one goes.</summary>
    internal bool IsOverChannels => _module is LayerNorm || (_module is GroupNorm && Groups == Outputs);

    internal bool IsBilinear => _module is Bilinear;

    internal bool IsTransposed => _module is Convolution { transposed: true };

    internal Parameter? Bias => _module switch
    {
        Linear l => l.bias,
        Convolution c => c.bias,
        Bilinear b => b.bias,
        NormBase n => n.bias,
        LayerNorm n => n.bias,
        GroupNorm n => n.bias,
        _ => null,
    };

    internal int OutputsOfGroup => Outputs / Groups;

    internal int InputsOfGroup => Inputs / Groups;

    /// <summary>The weight of a kernel, counted through, that meets the input and not its padding at every position: the one at the padding's
    /// distance.</summary>
    internal long FullTap => _module is not Convolution { transposed: false } c ? 0 : c.kernel_size.Select((size, d) => (Size: size, Tap: Math.Min(size - 1,
        c.padding is { } padding ? (padding[d] + c.dilation[d] - 1) / c.dilation[d] : c.padding_type == Padding.Same ? (size - 1) / 2 : 0)))
            .Aggregate(0L, (tap, d) => (tap * d.Size) + d.Tap);

    /// <summary>
    /// Of a transposed kernel's gradient the taps that meet every output once, as the bias does, where there are such: as many as the stride, behind the
    /// padding. All of them add up to more inside than at the border, so that it counts how the gradient is spread.
    /// </summary>
    internal Tensor OnceEach(Tensor gradient)
    {
        Convolution c = (Convolution)_module!;
        for (int d = 0; d < c.kernel_size.Length; d++)
        {
            long padding = c.padding?[d] ?? 0;
            gradient = c.dilation[d] == 1 && c.kernel_size[d] == c.stride[d] + (2 * padding) ? gradient.narrow(d + 2, padding, c.stride[d]) : gradient;
        }

        return gradient;
    }

    /// <summary>Throws for a bare norm, which has none.</summary>
    internal string WeightName => Parts.First(p => ReferenceEquals(p.Tensor, Weight)).Name!;

    /// <summary>The tensors that belong to its channels, with their names in the model.</summary>
    internal IEnumerable<(string Name, Tensor Tensor)> Parameters => Parts.Where(p => p.Name is not null).Select(p => (p.Name!, p.Tensor));

    /// <summary>Running statistics of a norm.</summary>
    internal IEnumerable<(Tensor Tensor, double Resting)> Statistics => _module is NormBase { running_mean: { } mean, running_var: { } variance }
        ? [(mean, 0), (variance, 1)] : [];

    /// <summary>The module that it is; null for a parameter of the model's own.</summary>
    internal nn.Module? Module => _module;

    /// <summary>How many weights are left without some channels.</summary>
    internal long WeightsWithout(HashSet<int> outputs, HashSet<int> inputs)
    {
        Part part = Parts.First(p => ReferenceEquals(p.Tensor, Weight));
        long[] shape = Weight.shape;
        shape[part.Out] -= outputs.Count;
        foreach ((int dim, int offset, int count) in part.In)
        {
            shape[dim] -= inputs.Count(i => i >= offset && i < offset + count);
        }

        return shape.Aggregate(1L, (product, size) => product * size);
    }

    internal bool IsCpu => Weight.device_type == DeviceType.CPU;

    internal string Shown(int channel) => $"channel {channel} of '{Name}'";

    /// <summary>A layer without a bias gets one for as long as its values are held fixed.</summary>
    internal void SetBias(Parameter? bias)
    {
        switch (_module)
        {
            case Linear l:
                l.bias = bias!;
                break;
            case Convolution c:
                c.bias = bias!;
                break;
            case Bilinear b:
                b.bias = bias!;
                break;
            case LayerNorm n:
                n.bias = bias!;
                break;
            default:
                throw new InvalidOperationException(Name);
        }
    }

    /// <summary>Norms over channels let values pass, but for their mean, until <see cref="LeaveProbe"/>.</summary>
    internal void EnterProbe()
    {
        if (IsBare)
        {
            NormBase norm = (NormBase)_module!;
            (Scale(norm), Shift(norm)) = (Weight, _shift ??= new Parameter(zeros([Outputs])).DetachFromDisposeScope() as Parameter);
        }

        if (_module is LayerNorm layer)
        {
            (_eps, layer.eps) = (layer.eps, 1);
        }
        else if (_module is GroupNorm group)
        {
            (_eps, group.eps, group.num_groups) = (group.eps, 1, 1);
        }
    }

    internal void LeaveProbe()
    {
        if (IsBare)
        {
            NormBase norm = (NormBase)_module!;
            (Scale(norm), Shift(norm)) = (null, null);
        }

        if (_module is LayerNorm layer)
        {
            layer.eps = _eps;
        }
        else if (_module is GroupNorm group)
        {
            group.eps = _eps;
        }

        if (!HadBias && !IsBare && !IsSource && !IsSlopes && Bias is not null)
        {
            SetBias(null);
        }

        SetWidths(Inputs, Outputs);
    }

    /// <summary>A convolution of as many inputs and outputs with a smaller weight, in more or fewer groups, until <see cref="SetWidths"/>.</summary>
    internal void SetGroups(long groups) => ((Convolution)_module!).groups = groups;

    /// <summary>What a tensor keeps of itself.</summary>
    /// <param name="part">Of this layer.</param>
    /// <param name="outputs">Int64 [kept outputs].</param>
    /// <param name="inputs">[kept inputs]; of a layer in groups both are those of whole groups.</param>
    internal static Tensor Cut(Part part, Tensor outputs, IReadOnlyList<int> inputs)
    {
        Tensor kept = part.Tensor.detach();
        foreach ((int dim, int offset, int count) in part.In)
        {
            kept = kept.index_select(dim, tensor(inputs.Where(i => i >= offset && i < offset + count).Select(i => (long)i - offset).ToArray()));
        }

        return part.Out < 0 ? kept : kept.index_select(part.Out, outputs);
    }

    /// <summary>Writes the numbers of channels that the module itself keeps beside its tensors.</summary>
    internal void SetWidths(long inputs, long outputs, long secondInputs = -1)
    {
        switch (_module)
        {
            case Linear linear:
                (linear.in_features, linear.out_features) = (inputs, outputs);
                break;
            case Convolution convolution:
                (InChannels(convolution), CheckedChannels(convolution), OutChannels(convolution)) = (inputs, inputs, outputs);
                convolution.groups = Groups > 1 ? inputs / InputsOfGroup : 1;
                break;
            case Bilinear b:
                long second = secondInputs < 0 ? Parts[0].In[1].Count : secondInputs;
                (b.in1_features, b.in2_features, b.out_features) = (inputs - second, second, outputs);
                break;
            case NormBase norm:
                Features(norm) = outputs;
                break;
            case LayerNorm norm:
                long[] shape = [.. norm.normalized_shape];
                shape[Parts[0].Out] = outputs;
                norm.normalized_shape = shape;
                break;
            case GroupNorm norm:
                norm.num_groups = IsOverChannels ? 1 : outputs / OutputsOfGroup;
                break;
            default:
                break;
        }
    }

    // TorchSharp lets groups and a linear layer's widths be set, but not these; forward checks its input against them.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<in_channels>k__BackingField")]
    private static extern ref long InChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<out_channels>k__BackingField")]
    private static extern ref long OutChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "input_channels")]
    private static extern ref long CheckedChannels(Convolution convolution);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<num_features>k__BackingField")]
    private static extern ref long Features(NormBase norm);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_weight")]
    private static extern ref Parameter? Scale(NormBase norm);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_bias")]
    private static extern ref Parameter? Shift(NormBase norm);
}
