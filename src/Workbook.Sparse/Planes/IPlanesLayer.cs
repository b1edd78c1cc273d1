using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A layer that takes images or <see cref="Planes"/>, and gives what it is told to.</summary>
internal interface IPlanesLayer
{
    /// <summary>Whether what comes out is planes, for the next layer, and not images.</summary>
    bool GivesPlanes { get; set; }
}

/// <summary>Stands for a layer in a chain of planes; the layer itself is put back when the chain ends.</summary>
internal interface IStandIn
{
    /// <summary>The layer that it stands for.</summary>
    nn.Module<Tensor, Tensor> Layer { get; }
}

/// <summary>A layer without parameters that takes images only.</summary>
internal sealed class ImagesFirst(nn.Module<Tensor, Tensor> layer) : nn.Module<Tensor, Tensor>(nameof(ImagesFirst)), IStandIn
{
    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Layer => layer;

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        if (layer.training != training)
        {
            layer.train(training);
        }

        using DisposeScope scope = NewDisposeScope();
        return layer.call(PlanesFunction.Images(input)).MoveToOuterDisposeScope();
    }
}
