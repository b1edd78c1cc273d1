using System.Collections.Concurrent;
using System.Reflection;
using Plotly.NET;

namespace Workbook.Notebook;

/// <summary>
/// .NET Interactive (Polyglot Notebooks, its Jupyter kernel), reached by reflection: the kernel brings its own assemblies,
/// and its packages are no longer published.
/// </summary>
internal sealed class DotnetInteractiveHost : INotebookHost
{
    private readonly PropertyInfo _current;
    private readonly PropertyInfo _command;
    private readonly MethodInfo _publish;
    private readonly ConstructorInfo _formatted;
    private readonly ConstructorInfo _produced;
    private readonly ConstructorInfo _updated;

    // A progress bar may be moved by a thread that the cell's context does not flow to.
    private readonly ConcurrentDictionary<string, object> _contexts = new();

    private DotnetInteractiveHost(Type context, Type formatted, Type produced, Type updated)
    {
        _current = context.GetProperty("Current", BindingFlags.Public | BindingFlags.Static)!;
        _command = context.GetProperty("Command")!;
        _publish = context.GetMethods().First(m => m.Name == "Publish" && m.GetParameters().Length == 1);
        _formatted = formatted.GetConstructor([typeof(string), typeof(string)])!;
        _produced = ConstructorWith(produced, "valueId");
        _updated = ConstructorWith(updated, "valueId");
    }

    public string Name => ".NET Interactive";

    public bool WantsPlotly => true;

    /// <summary>The host, if its assemblies are among those loaded.</summary>
    public static DotnetInteractiveHost? TryCreate(IEnumerable<Assembly> loaded)
    {
        Assembly[] all = [.. loaded];
        Type? Find(string name) => all.Select(a => a.GetType("Microsoft.DotNet.Interactive." + name)).FirstOrDefault(t => t is not null);
        if (Find("Formatting.Formatter") is Type formatter)
        {
            RegisterCharts(formatter);
        }

        return Find("KernelInvocationContext") is Type context
            && Find("Formatting.FormattedValue") is Type formatted
            && Find("Events.DisplayedValueProduced") is Type produced
            && Find("Events.DisplayedValueUpdated") is Type updated
            ? new DotnetInteractiveHost(context, formatted, produced, updated)
            : null;
    }

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        string id = Guid.NewGuid().ToString("N");
        if (_current.GetValue(null) is object context)
        {
            _contexts[id] = context;
            Publish(_produced, context, id, bundle);
        }

        return id;
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle)
    {
        if ((_current.GetValue(null) ?? _contexts.GetValueOrDefault(id)) is object context)
        {
            Publish(_updated, context, id, bundle);
        }
    }

    private void Publish(ConstructorInfo constructor, object context, string id, IReadOnlyDictionary<string, string> bundle)
    {
        Array values = Array.CreateInstance(_formatted.DeclaringType!, bundle.Count);
        int index = 0;
        foreach ((string mime, string text) in bundle)
        {
            values.SetValue(_formatted.Invoke([mime, text]), index++);
        }

        object?[] arguments = [.. constructor.GetParameters().Select(parameter => parameter.Name switch
        {
            "value" => bundle["text/plain"],
            "valueId" => id,
            "command" => _command.GetValue(context),
            "formattedValues" => values,
            _ => parameter.DefaultValue,
        })];
        _publish.Invoke(context, [constructor.Invoke(arguments)]);
    }

    // Plotly.NET's own charts bear no attribute of ours that would say how a trailing one looks.
    private static void RegisterCharts(Type formatter)
    {
        string[] mimeTypes = ["text/html", "text/plain"];
        MethodInfo register = formatter.GetMethod("Register", [typeof(Type), typeof(Action<object, TextWriter>), typeof(string)])!;
        foreach (string mimeType in mimeTypes)
        {
            Action<object, TextWriter> write = (chart, writer) => writer.Write(Formatters.TryFormat(chart)![mimeType]);
            register.Invoke(null, [typeof(GenericChart), write, mimeType]);
        }

        formatter.GetMethod("SetPreferredMimeTypesFor", [typeof(Type), typeof(string[])])!.Invoke(null, [typeof(GenericChart), mimeTypes]);
    }

    private static ConstructorInfo ConstructorWith(Type type, string parameter) =>
        type.GetConstructors().First(c => c.GetParameters().Any(p => p.Name == parameter));
}
