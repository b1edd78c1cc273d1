using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Linear layers and convolutions over images, run with weights of one's own.</summary>
internal static class Layers
{
    /// <summary>Those of a model, by the name of their weights, in its order.</summary>
    internal static IReadOnlyList<(string Weight, nn.Module<Tensor, Tensor> Module, Parameter Parameter)> Of(nn.Module model,
        IReadOnlyCollection<string> except)
    {
        HashSet<string> inScope = [.. Prunable.Weights(model, except).Select(w => w.Name)];
        return [.. model.named_modules().SelectMany(m => m.module switch
        {
            Linear linear => [($"{m.name}.weight", linear, linear.weight!)],
            Conv2d conv => [($"{m.name}.weight", conv, conv.weight!)],
            _ => Array.Empty<(string, nn.Module<Tensor, Tensor>, Parameter)>(),
        }).Where(l => inScope.Contains(l.Item1))];
    }

    /// <summary>What the layer gives with other weights, and with its bias if it is wanted.</summary>
    internal static Tensor Run(nn.Module<Tensor, Tensor> module, Tensor input, Tensor weight, bool withBias = true) => module is Conv2d conv
        ? nn.functional.conv2d(input, weight, withBias ? conv.bias : null, conv.stride, PaddingOf(conv), conv.dilation, conv.groups)
        : nn.functional.linear(input, weight, withBias ? ((Linear)module).bias : null);

    internal static int GroupsOf(nn.Module<Tensor, Tensor> module) => module is Conv2d conv ? (int)conv.groups : 1;

    /// <summary>What each output is a sum of, [groups, rows, inputs of an output].</summary>
    internal static Tensor Rows(nn.Module<Tensor, Tensor> module, Tensor input)
    {
        if (module is not Conv2d conv)
        {
            return input.reshape(1, -1, input.shape[^1]);
        }

        long[] padding = PaddingOf(conv);
        Tensor patches = nn.functional.unfold(input, (conv.kernel_size[0], conv.kernel_size[1]), (conv.dilation[0], conv.dilation[1]), (padding[0], padding[1]),
            (conv.stride[0], conv.stride[1])); // [batch, channels · kernel, places]
        return patches.reshape(patches.shape[0], conv.groups, -1, patches.shape[2]).permute(1, 0, 3, 2).flatten(1, 2);
    }

    private static long[] PaddingOf(Conv2d conv) => conv.padding_mode == PaddingModes.Zeros && conv.padding is { } padding ? padding
        : throw new WorkbookException($"a convolution of {string.Join('×', conv.kernel_size)} pads otherwise than with a number of zeros: leave it out");
}
