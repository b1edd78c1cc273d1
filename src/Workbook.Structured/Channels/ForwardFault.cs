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
    /// <param name="model">Whose <c>forward</c> ran; null where that is not known.</param>
    /// <param name="again">Runs it again.</param>
    internal static ForwardFault Of(Exception e, nn.Module? model, Action again)
    {
        bool isFit = e is System.Runtime.InteropServices.ExternalException or ArgumentException;
        return new($"{(isFit ? "" : $"{e.GetType().Name}: ")}{e.Message.Split('\n')[0].Trim()}{(model is null ? "" : Place(e, model, again))}", isFit, e);
    }

    /// <summary>The innermost module on the stack; of several of its type the one that was entered last, where they are called and not run by name.</summary>
    private static string Place(Exception e, nn.Module model, Action again)
    {
        (string Name, nn.Module Module)[] modules = [.. model.named_modules().Select(m => (m.name, m.module)).Prepend(("", model)).DistinctBy(m => m.Item2)];
        Type? innermost = new StackTrace(e).GetFrames().Select(f => ModuleOf(f.GetMethod()?.DeclaringType))
            .FirstOrDefault(t => t is not null && modules.Any(m => t.IsInstanceOfType(m.Module)));
        string[] names = [.. modules.Where(m => innermost?.IsInstanceOfType(m.Module) == true).Select(m => m.Name)];
        string one = names.Length == 1 ? names[0] : names.Length > 1 ? Entered() : "";
        return innermost is null ? "" : one.Length > 0 ? $", in '{one}', a {innermost.Name}"
            : names.Length == 1 ? ", in the model's own forward"
            : $", in a {innermost.Name}, {(names.Length <= MostNamed ? string.Join(" or ", names.Select(n => $"'{n}'")) : $"one of {names.Length}")}";

        string Entered()
        {
            string last = "";
            List<Action> removals = [];
            foreach ((string name, nn.Module module) in modules.Where(m => names.Contains(m.Name)))
            {
                if (module is nn.Module<Tensor, Tensor> simple)
                {
                    var hook = simple.register_forward_pre_hook((_, input) =>
                    {
                        last = name;
                        return input;
                    });
                    removals.Add(hook.remove);
                }
            }

            try
            {
                again();
            }
            catch (Exception same) when (ChannelForward.IsRefusal(same))
            {
            }
            finally
            {
                removals.ForEach(remove => remove());
            }

            return last;
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
