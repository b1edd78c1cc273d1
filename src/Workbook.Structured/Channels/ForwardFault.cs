using System.Diagnostics;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a model's <c>forward</c> threw, in one line, with the layer that it came from.</summary>
internal sealed class ForwardFault : Exception
{
    private const int MostNamed = 3;

    private ForwardFault(string message, bool isFit, Exception inner)
        : base(message, inner) => IsFit = isFit;

    /// <summary>Whether an operation refused what it was given, rather than the model's own code.</summary>
    internal bool IsFit { get; }

    /// <param name="e">What was thrown.</param>
    /// <param name="model">Whose <c>forward</c> ran.</param>
    /// <param name="again">Runs it again.</param>
    internal static ForwardFault Of(Exception e, nn.Module model, Action again)
    {
        bool isFit = e is System.Runtime.InteropServices.ExternalException or ArgumentException;
        return new($"{(isFit ? "" : $"{e.GetType().Name}: ")}{e.Message.Split('\n')[0].Trim()}{Place(e, model, again)}", isFit, e);
    }

    /// <summary>
    /// The innermost module that was entered, where modules are called; the stack knows those that are run by name, but not what the compiler has put into
    /// its caller.
    /// </summary>
    private static string Place(Exception e, nn.Module model, Action again)
    {
        (string Name, nn.Module Module)[] modules = [.. model.named_modules().Select(m => (m.name, m.module)).Prepend(("", model)).DistinctBy(m => m.Item2)];
        Type? innermost = new StackTrace(e).GetFrames().Select(f => ModuleOf(f.GetMethod()?.DeclaringType))
            .FirstOrDefault(t => t is not null && modules.Any(m => t.IsInstanceOfType(m.Module)));
        (string Name, nn.Module Module)? entered = Entered(modules, again);
        (string Name, nn.Module Module)[] found = [.. modules.Where(m => innermost?.IsInstanceOfType(m.Module) == true)];
        if (entered is { } active && (found.Contains(active) || !found.Any(m => IsWithin(m.Name, active.Name))))
        {
            found = [active];
        }

        return found switch
        {
            [] => "",
            [("", _)] => ", in the model's own forward",
            [var one] => $", in '{one.Name}', a {one.Module.GetType().Name}",
            _ => $", in a {innermost!.Name}, "
                + (found.Length <= MostNamed ? string.Join(" or ", found.Select(m => $"'{m.Name}'")) : $"one of {found.Length}"),
        };
    }

    private static bool IsWithin(string name, string outer) => outer.Length == 0 || name == outer || name.StartsWith(outer + ".", StringComparison.Ordinal);

    /// <summary>The module that was called last and has not returned.</summary>
    private static (string Name, nn.Module Module)? Entered((string Name, nn.Module Module)[] modules, Action again)
    {
        Stack<(string, nn.Module)> inside = [];
        List<Action> removals = [];
        foreach ((string name, nn.Module module) in modules)
        {
            if (module is nn.Module<Tensor, Tensor> simple)
            {
                removals.Add(simple.register_forward_pre_hook((_, input) =>
                {
                    inside.Push((name, module));
                    return input;
                }).remove);
                removals.Add(simple.register_forward_hook((_, _, output) =>
                {
                    inside.Pop();
                    return output;
                }).remove);
            }
        }

        try
        {
            again();
            return null;
        }
        catch (Exception same) when (ChannelForward.IsRefusal(same))
        {
            return inside.TryPeek(out (string, nn.Module) last) ? last : null;
        }
        finally
        {
            removals.ForEach(remove => remove());
        }
    }

    /// <summary>A module's type; that of closures and iterators is the one around them.</summary>
    private static Type? ModuleOf(Type? type)
    {
        while (type is not null && !typeof(nn.Module).IsAssignableFrom(type))
        {
            type = type.DeclaringType;
        }

        return type is { IsAbstract: false, IsGenericType: false } && type != typeof(nn.Module) ? type : null;
    }
}
