using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A mask tied to the parameters of one model, whose pruned weights it sets to 0. <see cref="Step"/> in place of <c>optimizer.step()</c> keeps the pruned
/// weights at exactly 0, whatever the optimizer keeps in its momentum and however it decays weights.
/// </summary>
public sealed class BoundMask : IDisposable
{
    private readonly (string Name, Parameter Parameter, Tensor Kept)[] _parameters;

    internal BoundMask(Mask mask, nn.Module model)
    {
        using DisposeScope scope = NewDisposeScope();
        _parameters = [.. mask.FitTo(model).Select(m => (m.Name, m.Parameter, m.Kept.to(m.Parameter.dtype, m.Parameter.device).DetachFromDisposeScope()))];
        Apply();
    }

    /// <summary>Sets the pruned weights to 0, also where they were NaN or infinite.</summary>
    /// <exception cref="WorkbookException">The model has been moved to another dtype or device since the mask was bound.</exception>
    public void Apply()
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((Parameter parameter, Tensor kept) in Bound())
        {
            parameter.masked_fill_(kept.eq(HeldNumbers.Zero), HeldNumbers.Zero);
        }
    }

    /// <summary>Sets the gradients of the pruned weights to 0, so that gradient norms, clipping and momentum see only what is left.</summary>
    /// <exception cref="WorkbookException">As <see cref="Apply"/>.</exception>
    public void ApplyToGradients()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Parameter parameter, Tensor kept) in Bound())
        {
            parameter.grad?.mul_(kept);
        }
    }

    /// <summary>
    /// One step of the optimizer over what is left: masks the gradients, steps, masks the weights. A weight that has
    /// become NaN stays so, and shows that the training has diverged.
    /// </summary>
    /// <param name="optimizer">Any, over the parameters of the model; its gradients are computed already, or <paramref name="closure"/> does it.</param>
    /// <param name="closure">Empties the gradients, computes them anew and returns the loss; LBFGS calls it several times a step.</param>
    /// <exception cref="WorkbookException">As <see cref="Apply"/>, or LBFGS has no closure.</exception>
    public void Step(optim.Optimizer optimizer, Func<Tensor>? closure = null)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (closure is null && optimizer is LBFGS)
        {
            throw new WorkbookException("LBFGS computes the loss several times a step: give Step a closure that computes gradients and loss anew");
        }

        ApplyToGradients();
        optimizer.step(closure is null ? null : () =>
        {
            Tensor loss = closure();
            ApplyToGradients();
            return loss;
        });

        // By product: filling by condition takes 15 times as long, a quarter of a small network's step.
        using IDisposable noGrad = no_grad();
        foreach ((Parameter parameter, Tensor kept) in Bound())
        {
            parameter.mul_(kept);
        }
    }

    /// <summary>Frees the bound tensors; the mask and the model stay as they are.</summary>
    public void Dispose()
    {
        foreach ((_, _, Tensor kept) in _parameters)
        {
            kept.Dispose();
        }
    }

    private IEnumerable<(Parameter Parameter, Tensor Kept)> Bound()
    {
        foreach ((string name, Parameter parameter, Tensor kept) in _parameters)
        {
            Prunable.RequireValues($"the parameter '{name}'", parameter);
            yield return (parameter, kept);
        }
    }
}
