using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A model's forward pass, whatever it takes and gives: tensors in, all floating tensors of the answer out.</summary>
/// <param name="Examples">Inputs as the model takes them.</param>
/// <param name="Answer">The model's answer to inputs.</param>
/// <param name="Model">Whose layers are named where it throws.</param>
internal sealed record ChannelForward(IReadOnlyList<Tensor> Examples, Func<IReadOnlyList<Tensor>, object?> Answer, nn.Module Model)
{
    private const int Seed = 17;

    /// <summary>Whether it is the model's own <c>forward</c> that is called.</summary>
    internal bool IsOfModel { get; private init; }

    /// <summary>The <c>forward</c> of a module that takes as many tensors.</summary>
    /// <exception cref="WorkbookException">It has none.</exception>
    internal static ChannelForward Of(nn.Module model, IReadOnlyList<Tensor> examples)
    {
        if (model is nn.Module<Tensor, Tensor> simple && examples.Count == 1)
        {
            return new(examples, inputs => simple.forward(inputs[0]), model) { IsOfModel = true };
        }

        MethodInfo forward = model.GetType().GetMethods().Where(m => m.Name == "forward" && Takes(m, examples.Count)).OrderBy(m => m.GetParameters().Length)
            .FirstOrDefault() ?? throw new WorkbookException($"a {model.GetType().Name} has no forward that takes {examples.Count} tensors");
        ParameterInfo[] parameters = forward.GetParameters();
        return new(examples, inputs => forward.Invoke(model, BindingFlags.DoNotWrapExceptions, null,
            [.. parameters.Select((p, i) => i < inputs.Count ? inputs[i] : p.HasDefaultValue ? p.DefaultValue : null)], null), model)
        { IsOfModel = true };
    }

    private static bool Takes(MethodInfo forward, int count) => forward.GetParameters() is var p && p.Length >= count
        && p.Take(count).All(a => a.ParameterType == typeof(Tensor)) && p.Skip(count).All(a => a.HasDefaultValue || !a.ParameterType.IsValueType);

    /// <summary>Runs the model on copies of inputs, with the same random numbers each time.</summary>
    /// <returns>The floating tensors of its answer, in order.</returns>
    /// <exception cref="ForwardFault">The model threw.</exception>
    internal Tensor[] Run(IReadOnlyList<Tensor> inputs, int seed = Seed)
    {
        random.manual_seed(seed);
        object? answer;
        try
        {
            answer = Answer([.. inputs.Select(i => i.clone())]);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            throw ForwardFault.Of(e, Model, () => Answer([.. inputs.Select(i => i.clone())]));
        }

        return [.. Flat(answer).Where(t => t.is_floating_point() && t.numel() > 0)];
    }

    /// <summary>Whether an exception is a refusal by <c>forward</c>, and no fault of the process.</summary>
    internal static bool IsRefusal(Exception e) => e is not (OutOfMemoryException or StackOverflowException or OperationCanceledException or SEHException);

    /// <summary>Inputs of a type: what is no floating number stays.</summary>
    internal ChannelForward As(ScalarType dtype) => this with { Examples = [.. Examples.Select(e => e.is_floating_point() ? e.to(dtype) : e)] };

    private static IEnumerable<Tensor> Flat(object? answer) => answer switch
    {
        null => [],
        Tensor t => [t],
        ITuple tuple => Enumerable.Range(0, tuple.Length).SelectMany(i => Flat(tuple[i])),
        IDictionary table => table.Keys.Cast<object>().SelectMany(k => Flat(table[k])),
        IEnumerable many and not string => many.Cast<object?>().SelectMany(Flat),
        _ => answer.GetType().IsGenericType && answer.GetType().GetGenericTypeDefinition() == typeof(KeyValuePair<,>)
            ? Flat(answer.GetType().GetProperty("Value")!.GetValue(answer)) : [],
    };
}
