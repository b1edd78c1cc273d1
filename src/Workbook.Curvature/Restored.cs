using static TorchSharp.torch;

namespace Workbook;

/// <summary>A model whose weights and buffers are what they were on disposal.</summary>
internal sealed class Restored(nn.Module model) : IDisposable
{
    private readonly IReadOnlyDictionary<string, Tensor> _state = TrainingProgress.CopyOf(model);

    public void Dispose()
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor tensor) in model.state_dict())
        {
            tensor.copy_(_state[name]);
            _state[name].Dispose();
        }
    }
}
