using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Net;
using System.Reflection;

namespace Workbook.Notebook;

/// <summary>
/// ClrKernel (a Jupyter kernel), reached by reflection. Its outputs hold HTML and plain text. Its registry of formatters learns
/// ours, so that shown and trailing values take one way.
/// </summary>
internal sealed class ClrKernelHost : INotebookHost
{
    private readonly ConcurrentDictionary<string, object> _cells = new();
    private readonly MethodInfo _display;
    private readonly MethodInfo _update;

    private ClrKernelHost(MethodInfo display, MethodInfo update) => (_display, _update) = (display, update);

    public string Name => "ClrKernel";

    public bool WantsPlotly => true;

    /// <summary>The host, if its assemblies are among those loaded.</summary>
    public static ClrKernelHost? TryCreate(IEnumerable<Assembly> loaded)
    {
        Assembly? primitives = loaded.FirstOrDefault(a => a.GetType("ClrKernel.Core.Primitives.DisplayValues") is not null);
        if (primitives is null)
        {
            return null;
        }

        Type Find(string name) => primitives.GetType("ClrKernel.Core.Primitives." + name, throwOnError: true)!;
        Register(Find("DisplayHtml"), Html);
        Register(Find("DisplayText"), bundle => bundle["text/plain"]);
        Type[] parameters = [typeof(object), typeof(Type), typeof(string)];
        return new ClrKernelHost(Find("DisplayValues").GetMethod("Display", parameters)!, Find("DisplayCell").GetMethod("Update", parameters)!);

        void Register(Type output, Func<IReadOnlyDictionary<string, string>, string> textOf)
        {
            Type input = Find("DisplayObject");
            MethodInfo? before = null;
            object? formatter = null;
            PropertyInfo value = input.GetProperty("Value")!;
            foreach (object known in (IEnumerable<object>)Find("DisplayFormatters").GetProperty("Formatters")!.GetValue(null)!)
            {
                if (Equals(known.GetType().GetProperty("InputType")!.GetValue(known), input)
                    && Equals(known.GetType().GetProperty("OutputType")!.GetValue(known), output))
                {
                    formatter = known.GetType().GetProperty("Format")!.GetValue(known);
                    before = formatter!.GetType().GetMethod("Invoke");
                }
            }

            // The newest formatter wins: it has to do for all other values what the one before it did.
            Func<object, object?> format = shown => Formatters.TryFormat(value.GetValue(shown)) is { } bundle
                ? Activator.CreateInstance(output, textOf(bundle))
                : before is null ? Activator.CreateInstance(output, value.GetValue(shown)?.ToString() ?? "") : before.Invoke(formatter, [shown]);
            Type displayed = Find("IDisplayValue");
            ParameterExpression parameter = Expression.Parameter(displayed);
            Delegate typed = Expression.Lambda(
                typeof(Func<,>).MakeGenericType(displayed, displayed),
                Expression.Convert(Expression.Invoke(Expression.Constant(format), parameter), displayed), parameter).Compile();
            Find("DisplayFormatters").GetMethod("Register", [typeof(Type), typeof(Type), typed.GetType()])!.Invoke(null, [input, output, typed]);
        }
    }

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        string id = Guid.NewGuid().ToString("N");
        _cells[id] = _display.Invoke(null, [new ShownBundle(bundle), null, null])!;
        return id;
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle) => _update.Invoke(_cells[id], [new ShownBundle(bundle), null, null]);

    private static string Html(IReadOnlyDictionary<string, string> bundle) =>
        bundle.GetValueOrDefault("text/html") ?? $"<pre>{WebUtility.HtmlEncode(bundle["text/plain"])}</pre>";
}
