using static TorchSharp.torch;

namespace Workbook.GradientFlow;

/// <summary>A look at a model in training mode that leaves no trace: afterwards its mode and its buffers (batch-norm statistics) are as they were.</summary>
internal sealed class KeptBuffers : IDisposable
{
    private readonly nn.Module _model;
    private readonly bool _training;
    private readonly (Tensor Buffer, Tensor Value)[] _buffers;

    internal KeptBuffers(nn.Module model)
    {
        (_model, _training) = (model, model.training);
        using IDisposable noGrad = no_grad();
        _buffers = [.. model.buffers().Select(b => (b, b.clone().DetachFromDisposeScope()))];
        model.train();
    }

    public void Dispose()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Tensor buffer, Tensor value) in _buffers)
        {
            buffer.copy_(value);
            value.Dispose();
        }

        _model.train(_training);
    }
}
