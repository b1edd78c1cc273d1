using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Networks of others with their weights, and something to show them.</summary>
internal static class PretrainedNets
{
    /// <summary>
    /// The features of ResNet18.onnx, with its weights: images [batch, 3, 224, 224] → [batch, 512]. The file has nine blocks, not eight: TorchVision's
    /// ResNet-18 with the last stage of ResNet-34, which has three.
    /// </summary>
    internal static nn.Module<Tensor, Tensor> ResNet18Features(string weights)
    {
        nn.Module layer4 = torchvision.models.resnet34().named_children().First(c => c.name == "layer4").module;
        nn.Module<Tensor, Tensor> features = nn.Sequential([.. torchvision.models.resnet18().named_children().Where(c => c.name is not ("fc" or "flatten"))
            .Select(c => (c.name, (nn.Module<Tensor, Tensor>)(c.name == "layer4" ? layer4 : c.module))), ("flat", nn.Flatten())]);
        ResNetWeights.Load(weights, features);
        features.eval();
        return features;
    }

    /// <summary>The workbook's built-in digits, white on black, enlarged: [count, 3, 224, 224], about −2 to 2 as ImageNet's.</summary>
    internal static Tensor Images(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        LabelledImages digits = Datasets.Open("digits").Test;
        Tensor images = from_array(digits.Images[..(count * digits.Rows * digits.Columns)]).reshape(count, 1, digits.Rows, digits.Columns).to(float32);
        return nn.functional.interpolate(images.div(255f).sub(0.45f).div(0.225f), [224, 224], mode: InterpolationMode.Bilinear, align_corners: false)
            .expand(-1, 3, -1, -1).contiguous().MoveToOuterDisposeScope();
    }
}
