using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A look at a model that leaves no trace: on disposal each module's mode, the buffers (batch-norm statistics) and the
/// gradients are as they were, also where <c>forward</c> has thrown.
/// </summary>
internal sealed class ModelGuard : IDisposable
{
    private readonly (nn.Module Module, bool Training)[] _modes;
    private readonly (Tensor Buffer, Tensor Value)[] _buffers;
    private readonly (Parameter Parameter, Tensor? Gradient)[] _gradients;

    /// <param name="model">Any module.</param>
    /// <param name="training">The mode it is looked at in.</param>
    internal ModelGuard(nn.Module model, bool training)
    {
        using IDisposable noGrad = no_grad();
        _modes = ModesOf(model);
        _buffers = [.. model.buffers().Select(b => (b, b.clone().DetachFromDisposeScope()))];
        _gradients = [.. model.parameters().Select(p => (p, p.grad?.DetachFromDisposeScope()))];
        model.train(training);
    }

    public void Dispose()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Tensor buffer, Tensor value) in _buffers)
        {
            buffer.copy_(value);
            value.Dispose();
        }

        foreach ((Parameter parameter, Tensor? gradient) in _gradients)
        {
            parameter.grad = gradient;
            gradient?.Dispose();
        }

        Restore(_modes);
    }

    /// <summary>The mode of every module.</summary>
    internal static (nn.Module Module, bool Training)[] ModesOf(nn.Module model) =>
        [.. model.named_modules().Select(m => m.module).Prepend(model).Select(m => (m, m.training))];

    /// <summary>Puts modes back; parents come before their children, whose modes they set.</summary>
    internal static void Restore((nn.Module Module, bool Training)[] modes)
    {
        foreach ((nn.Module module, bool training) in modes)
        {
            module.train(training);
        }
    }
}
