using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <content>Which modules have channels that are known, and in which dimensions of their tensors.</content>
internal sealed partial class ChannelLayer
{
    /// <summary>The layers of a model, parameters of its own among them: those have one for each dimension that could be channels.</summary>
    /// <exception cref="WorkbookException">A module has parameters and its channels are not known.</exception>
    internal static IEnumerable<ChannelLayer> Of(string name, nn.Module module)
    {
        string called = name.Length == 0 ? "the model" : $"'{name}'";
        string NameOf(string parameter) => name.Length == 0 ? parameter : $"{name}.{parameter}";
        Part Rows(string parameter, Tensor tensor, int dim = 0) => new(NameOf(parameter), tensor, dim);
        IEnumerable<Part> Biased(Part weight, Parameter? bias) => bias is null ? [weight] : [weight, Rows("bias", bias)];
        Part Weight(Parameter weight, int dim, params (int, int, int)[] inputs) => new(NameOf("weight"), weight, dim, inputs);
        IEnumerable<Part> Running(NormBase n) => n.running_mean is { } mean && n.running_var is { } variance
            ? [new(null, mean, 0), new(null, variance, 0)] : [];
        switch (module)
        {
            case Linear l:
                return [new(name, l, l.weight!, 1, Biased(Weight(l.weight!, 0, (1, 0, (int)l.weight!.shape[1])), l.bias))];
            case Convolution { groups: 1 } c when c.transposed:
                return [new(name, c, c.weight, 1, Biased(Weight(c.weight, 1, (0, 0, (int)c.weight.shape[0])), c.bias))];
            case Convolution { transposed: true } c when c.weight.shape[1] == 1:
                // Outputs are inputs: a row for each.
                return [new(name, c, c.weight, (int)c.groups, Biased(Weight(c.weight, 0), c.bias))];
            case Convolution { transposed: true } c:
                throw new WorkbookException($"{called}, a {module.GetType().Name} in {c.groups} groups of several channels, can't be followed");
            case Convolution c:
                return [new(name, c, c.weight, (int)c.groups, Biased(c.groups > 1 ? Weight(c.weight, 0) : Weight(c.weight, 0, (1, 0, (int)c.weight.shape[1])),
                    c.bias))];
            case Bilinear b:
                (int first, int second) = ((int)b.weight.shape[1], (int)b.weight.shape[2]);
                return [new(name, b, b.weight, 1, Biased(Weight(b.weight, 0, (1, 0, first), (2, first, second)), b.bias))];
            case BatchNorm { affine: true, track_running_stats: true } or InstanceNorm { affine: true }:
                NormBase norm = (NormBase)module;
                return [new(name, norm, norm.weight, (int)norm.num_features, [Rows("weight", norm.weight), Rows("bias", norm.bias!), .. Running(norm)])];
            case BatchNorm { track_running_stats: false }:
                throw new WorkbookException($"{called}, a {module.GetType().Name}, has no running statistics: its answer to an example depends on the "
                    + "others of the batch, and can't be followed");
            case NormBase { affine: false } bare:
                return [new(name, bare, new Parameter(ones([bare.num_features])).DetachFromDisposeScope() as Parameter ?? throw new InvalidOperationException(),
                    (int)bare.num_features, Running(bare))];
            case LayerNorm { elementwise_affine: true } n:
                int dim = n.normalized_shape.Length == 2 ? 1 : 0;
                return [new(name, n, n.weight, (int)n.normalized_shape[dim],
                    n.bias is { } shift ? [Rows("weight", n.weight, dim), Rows("bias", shift, dim)] : [Rows("weight", n.weight, dim)])];
            case GroupNorm { affine: true } g:
                int channels = (int)g.weight.shape[0];
                return [new(name, g, g.weight, g.num_groups == 1 ? channels : (int)g.num_groups, Biased(Rows("weight", g.weight), g.bias))];
            case PReLU p:
                return p.weight.numel() == 1 ? [] : [new(name, p, p.weight, (int)p.weight.numel(), Rows("weight", p.weight))];
            case Embedding e:
                // The property gives another object each time, of which none is the module's own.
                Parameter table = e.named_parameters(false).First().parameter;
                return [new(name, e, table, 1, Rows("weight", table, 1))];
            default:
                // libtorch's own modules have sizes that can't be changed: what they take stays, and so does what they give.
                if (WorkingCopy.IsNative(module))
                {
                    return [];
                }

                return [.. module.named_parameters(false).SelectMany(p => Own(NameOf(p.name), p.parameter))];
        }
    }

    /// <summary>Whether the module still has these tensors, in their shapes: not after removal, nor after a move to another dtype.</summary>
    internal bool IsCurrent => IsBare ? ((NormBase)_module!).num_features == Outputs : _module is null or Embedding ? !Weight.IsInvalid
        && Weight.shape[Parts[0].Out] == Outputs
        : Current is { } weight && ReferenceEquals(weight, Weight) && !weight.IsInvalid
        && Weight.shape[Parts[0].Out] == Outputs && Parts[0].In.All(i => Weight.shape[i.Dim] == i.Count);

    /// <summary>Whether another layer has the channels that this one had when it was read.</summary>
    internal bool IsLike(ChannelLayer other) => (Outputs, Inputs, Groups) == (other.Outputs, other.Inputs, other.Groups)
        && _module?.GetType() == other._module?.GetType()
        && Parts.Select(p => p.Name).SequenceEqual(other.Parts.Select(p => p.Name));

    private Parameter? Current => _module switch
    {
        Linear l => l.weight,
        Convolution c => c.weight,
        Bilinear b => b.weight,
        NormBase n => n.weight,
        LayerNorm n => n.weight,
        GroupNorm n => n.weight,
        PReLU p => p.weight,
        _ => Weight,
    };

    /// <summary>Of a parameter of the model's own the last dimension counts that is as large as the channels of a layer; without one it is no layer.</summary>
    internal static IEnumerable<ChannelLayer> WithoutStrangers(IReadOnlyList<ChannelLayer> layers)
    {
        HashSet<int> widths = [.. layers.Where(l => l._module is not null).Select(l => l.Outputs)];
        ILookup<string, ChannelLayer> own = layers.Where(l => l._module is null && widths.Contains(l.Outputs)).ToLookup(l => l.Name);
        return layers.Where(l => l._module is not null || ReferenceEquals(own[l.Name].LastOrDefault(), l));
    }

    private static IEnumerable<ChannelLayer> Own(string name, Parameter parameter) => Enumerable.Range(0, (int)parameter.dim())
        .Where(dim => parameter.shape[dim] > 1).Select(dim => new ChannelLayer(name, null, parameter, 1, new Part(name, parameter, dim)));
}
