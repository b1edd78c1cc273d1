using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>The parameters of a model that are trained, and what of them is left.</summary>
internal sealed class FreeParameters
{
    private readonly Tensor[] _parameters;
    private readonly Tensor?[] _kept;
    private readonly Tensor _left;

    internal FreeParameters(nn.Module model, Mask? mask)
    {
        Dictionary<string, Tensor> kept = mask?.FitTo(model).ToDictionary(m => m.Name, m => m.Kept.to(m.Parameter.dtype, m.Parameter.device)) ?? [];
        (string name, Parameter parameter)[] trained = [.. model.named_parameters().Where(p => p.parameter.requires_grad)];
        Names = [.. trained.Select(p => p.name)];
        _parameters = [.. trained.Select(p => (Tensor)p.parameter)];
        _kept = [.. Names.Select(name => kept.GetValueOrDefault(name))];
        _left = cat([.. _kept.Select((k, i) => (k ?? ones_like(_parameters[i])).flatten())]).nonzero().flatten();
    }

    internal string[] Names { get; }

    /// <summary>What is left of several tensors, one a parameter, as one vector.</summary>
    internal Tensor Flat(Tensor[] tensors) => cat([.. tensors.Select(t => t.flatten())]).index_select(0, _left);

    internal static Tensor Loss(nn.Module<Tensor, Tensor> model, LabelledTensors batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 1)
        {
            BatchOfOne.Refuse(model, batch, "a gradient is taken on one example");
        }

        return batch.Count > 0 ? nn.functional.cross_entropy(model.Answer(batch.Inputs), batch.Labels)
            : throw new WorkbookException("there is no example to take a gradient on");
    }

    /// <summary>Derivatives by each parameter, 0 where it is pruned.</summary>
    internal Tensor[] Gradients(Tensor output, bool again = false, bool retain = false)
    {
        // Without retain_graph, create_graph ends the process at the second grad.
        IList<Tensor> gradients = autograd.grad([output], _parameters, create_graph: again, retain_graph: again || retain, allow_unused: true);
        return [.. gradients.Select((g, i) => g is null || g.IsInvalid ? zeros_like(_parameters[i]) : _kept[i] is { } kept ? g.mul(kept) : g)];
    }
}
