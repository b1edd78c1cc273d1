using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Pruning;

/// <summary>
/// A mask tied to the parameters of one model, whose pruned weights it sets to 0. <see cref="Step"/> in place of <c>optimizer.step()</c> keeps the pruned
/// weights at exactly 0, whatever the optimizer keeps in its momentum and however it decays weights.
/// </summary>
public sealed class BoundMask : IDisposable
{
    private readonly (Parameter Parameter, Tensor Kept)[] _parameters;

    internal BoundMask(Mask mask, nn.Module model)
    {
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach ((string name, Tensor kept) in mask)
        {
            if (!parameters.TryGetValue(name, out Parameter? parameter))
            {
                throw new WorkbookException($"the model has no parameter '{name}', which the mask names; it has {string.Join(", ", parameters.Keys)}");
            }

            if (!parameter.shape.SequenceEqual(kept.shape))
            {
                throw new WorkbookException($"the mask of '{name}' has shape [{string.Join(", ", kept.shape)}], the parameter [{string.Join(", ", parameter.shape)}]");
            }
        }

        using DisposeScope scope = NewDisposeScope();
        _parameters = [.. mask.Select(m => (parameters[m.Key], m.Value.to(parameters[m.Key].dtype, parameters[m.Key].device).DetachFromDisposeScope()))];
        Apply();
    }

    /// <summary>Sets the pruned weights to 0, also where they were NaN or infinite.</summary>
    public void Apply()
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((Parameter parameter, Tensor kept) in _parameters)
        {
            parameter.masked_fill_(kept.eq(0), 0);
        }
    }

    /// <summary>Sets the gradients of the pruned weights to 0, so that gradient norms, clipping and momentum see only what is left.</summary>
    public void ApplyToGradients()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Parameter parameter, Tensor kept) in _parameters)
        {
            parameter.grad?.mul_(kept);
        }
    }

    /// <summary>
    /// One step of the optimizer over what is left: masks the gradients, steps, masks the weights. A weight that has
    /// become NaN stays so, and shows that the training has diverged.
    /// </summary>
    public void Step(optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ApplyToGradients();
        optimizer.step();

        // By product: filling by condition takes 15 times as long, a quarter of a small network's step.
        using IDisposable noGrad = no_grad();
        foreach ((Parameter parameter, Tensor kept) in _parameters)
        {
            parameter.mul_(kept);
        }
    }

    /// <summary>Frees the bound tensors; the mask and the model stay as they are.</summary>
    public void Dispose()
    {
        foreach ((_, Tensor kept) in _parameters)
        {
            kept.Dispose();
        }
    }
}
