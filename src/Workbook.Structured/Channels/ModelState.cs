using static TorchSharp.torch;

namespace Workbook;

/// <summary>A model as it is, put back on disposal, to the bit: the contents of the layers' tensors, biases, gradient flags and modes.</summary>
internal sealed class ModelState : IDisposable
{
    private readonly IReadOnlyList<ChannelLayer> _layers;
    private readonly (Tensor Tensor, Tensor Contents, bool RequiresGrad)[] _tensors;
    private readonly (nn.Module Module, bool Training)[] _modes;
    private bool _restores = true;

    internal ModelState(nn.Module model, IReadOnlyList<ChannelLayer> layers)
    {
        _layers = layers;
        // Detached, a tensor shares its memory: nothing is copied, and what is set in its place leaves that memory alone.
        _tensors = [.. layers.SelectMany(l => l.State).Select(t => (t, t.detach().DetachFromDisposeScope(), t.requires_grad))];
        _modes = ModelGuard.ModesOf(model);
        model.eval();
    }

    /// <summary>Keeps the tensors as they have become; modes are put back all the same.</summary>
    internal void Commit() => _restores = false;

    /// <summary>Puts everything back.</summary>
    public void Dispose()
    {
        using IDisposable noGrad = no_grad();
        if (_restores)
        {
            foreach (ChannelLayer layer in _layers)
            {
                layer.SetWidths(layer.Inputs, layer.Outputs);
                if (!layer.HadBias && layer.Bias is not null)
                {
                    layer.SetBias(null);
                }
            }

            foreach ((Tensor tensor, Tensor contents, bool requiresGrad) in _tensors)
            {
                tensor.set_(contents);
                tensor.requires_grad = requiresGrad;
            }
        }

        foreach ((_, Tensor contents, _) in _tensors)
        {
            contents.Dispose();
        }

        ModelGuard.Restore(_modes);
    }
}
