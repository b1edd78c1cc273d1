using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>A layer of one's own whose matrix has a name that says nothing: x·kernel · scale + bias.</summary>
internal class OwnLayer : nn.Module<Tensor, Tensor>
{
    public readonly Parameter kernel, scale, bias;

    internal OwnLayer(long inputs, long outputs)
        : base(nameof(OwnLayer))
    {
        (kernel, scale, bias) = (new(randn(inputs, outputs)), new(ones(1, outputs)), new(zeros(outputs)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => input.matmul(kernel).mul(scale).add(bias);
}

/// <summary>The same, which says which of its parameters is a weight.</summary>
internal sealed class OwnWeightedLayer(long inputs, long outputs) : OwnLayer(inputs, outputs), IWeightedLayer
{
    public IEnumerable<Parameter> Weights => [kernel];
}

/// <summary>A classifier that standardizes its inputs in place, and so changes what it is given.</summary>
internal sealed class InPlaceNet : nn.Module<Tensor, Tensor>
{
    private readonly Linear first = nn.Linear(6, 5), last = nn.Linear(5, 3);

    internal InPlaceNet()
        : base(nameof(InPlaceNet)) => RegisterComponents();

    public override Tensor forward(Tensor input) => last.forward(first.forward(input.sub_(0.13).div_(0.3)).relu());
}
