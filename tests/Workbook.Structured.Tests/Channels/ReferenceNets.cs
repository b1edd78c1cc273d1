using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

/// <summary>VGG-11 (Simonyan and Zisserman 2015), configuration A, without batch norms.</summary>
internal sealed class Vgg11 : Module<Tensor, Tensor>
{
    private readonly Sequential features;
    private readonly AdaptiveAvgPool2d avgpool = AdaptiveAvgPool2d(7);
    private readonly Sequential classifier;

    /// <param name="width">Divides all widths: 1 for the network of the paper.</param>
    internal Vgg11(int width = 1)
        : base(nameof(Vgg11))
    {
        List<Module<Tensor, Tensor>> layers = [];
        int channels = 3;
        foreach (int next in new[] { 64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0 })
        {
            if (next == 0)
            {
                layers.Add(MaxPool2d(2, 2));
            }
            else
            {
                layers.Add(Conv2d(channels, next / width, 3, padding: 1));
                layers.Add(ReLU(inplace: true));
                channels = next / width;
            }
        }

        features = Sequential(layers.ToArray());
        classifier = Sequential(Linear(channels * 49, 4096 / width), ReLU(), Dropout(), Linear(4096 / width, 4096 / width), ReLU(), Dropout(),
            Linear(4096 / width, 1000));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return classifier.forward(avgpool.forward(features.forward(input)).flatten(1)).MoveToOuterDisposeScope();
    }
}

/// <summary>The residual block of two 3×3 convolutions (He et al. 2016).</summary>
internal sealed class BasicBlock : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential? downsample;

    internal BasicBlock(int inputs, int outputs, int stride)
        : base(nameof(BasicBlock))
    {
        conv1 = Conv2d(inputs, outputs, 3, stride: stride, padding: 1, bias: false);
        bn1 = BatchNorm2d(outputs);
        conv2 = Conv2d(outputs, outputs, 3, padding: 1, bias: false);
        bn2 = BatchNorm2d(outputs);
        downsample = stride == 1 && inputs == outputs ? null : Sequential(Conv2d(inputs, outputs, 1, stride: stride, bias: false), BatchNorm2d(outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = bn2.forward(conv2.forward(bn1.forward(conv1.forward(input)).relu_()));
        return (x + (downsample?.forward(input) ?? input)).relu_().MoveToOuterDisposeScope();
    }
}

/// <summary>ResNet-18 (He et al. 2016).</summary>
internal sealed class ResNet18 : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential layer1, layer2, layer3, layer4;
    private readonly Linear fc;

    /// <param name="width">Divides all widths.</param>
    internal ResNet18(int width = 1)
        : base(nameof(ResNet18))
    {
        conv1 = Conv2d(3, 64 / width, 7, stride: 2, padding: 3, bias: false);
        bn1 = BatchNorm2d(64 / width);
        Sequential Stage(int inputs, int outputs, int stride) =>
            Sequential(new BasicBlock(inputs / width, outputs / width, stride), new BasicBlock(outputs / width, outputs / width, 1));
        (layer1, layer2, layer3, layer4) = (Stage(64, 64, 1), Stage(64, 128, 2), Stage(128, 256, 2), Stage(256, 512, 2));
        fc = Linear(512 / width, 1000);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = functional.max_pool2d(bn1.forward(conv1.forward(input)).relu_(), 3, stride: 2, padding: 1);
        x = layer4.forward(layer3.forward(layer2.forward(layer1.forward(x))));
        return fc.forward(functional.adaptive_avg_pool2d(x, 1).flatten(1)).MoveToOuterDisposeScope();
    }
}

/// <summary>The inverted residual of MobileNetV2 (Sandler et al. 2018): 1×1 to a wider space, depthwise 3×3, 1×1 back.</summary>
internal sealed class InvertedResidual : Module<Tensor, Tensor>
{
    private readonly Sequential conv;
    private readonly bool residual;

    internal InvertedResidual(int inputs, int outputs, int stride, int expansion)
        : base(nameof(InvertedResidual))
    {
        int hidden = inputs * expansion;
        List<Module<Tensor, Tensor>> layers = expansion == 1 ? [] : [Conv2d(inputs, hidden, 1, bias: false), BatchNorm2d(hidden), ReLU6()];
        layers.AddRange([Conv2d(hidden, hidden, 3, stride: stride, padding: 1, groups: hidden, bias: false), BatchNorm2d(hidden), ReLU6()]);
        layers.AddRange([Conv2d(hidden, outputs, 1, bias: false), BatchNorm2d(outputs)]);
        conv = Sequential(layers.ToArray());
        residual = stride == 1 && inputs == outputs;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => residual ? input + conv.forward(input) : conv.forward(input);
}

/// <summary>MobileNetV2 (Sandler et al. 2018, table 2).</summary>
internal sealed class MobileNetV2 : Module<Tensor, Tensor>
{
    private readonly Sequential features, classifier;

    /// <param name="width">Divides all widths.</param>
    internal MobileNetV2(int width = 1)
        : base(nameof(MobileNetV2))
    {
        int channels = 32 / width;
        List<Module<Tensor, Tensor>> layers = [Conv2d(3, channels, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(channels), ReLU6()];
        foreach ((int expansion, int outputs, int blocks, int stride) in new[] { (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1) })
        {
            for (int block = 0; block < blocks; block++)
            {
                layers.Add(new InvertedResidual(channels, outputs / width, block == 0 ? stride : 1, expansion));
                channels = outputs / width;
            }
        }

        layers.AddRange([Conv2d(channels, 1280 / width, 1, bias: false), BatchNorm2d(1280 / width), ReLU6()]);
        features = Sequential(layers.ToArray());
        classifier = Sequential(Dropout(0.2), Linear(1280 / width, 1000));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return classifier.forward(features.forward(input).mean([2, 3])).MoveToOuterDisposeScope();
    }
}
