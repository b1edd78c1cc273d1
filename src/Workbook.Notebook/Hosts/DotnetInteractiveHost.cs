using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;

namespace Workbook.Notebook;

/// <summary>
/// .NET Interactive (Polyglot Notebooks, its Jupyter kernel). The kernel brings its own assemblies: where it does not run,
/// nothing here may be called, and asks for them.
/// </summary>
internal sealed class DotnetInteractiveHost : INotebookHost
{
    // A progress bar may be moved by a thread that the cell's context does not flow to.
    private readonly ConcurrentDictionary<string, KernelInvocationContext> _contexts = new();
    private readonly ConditionalWeakTable<KernelInvocationContext, object> _watched = [];

    public string Name => ".NET Interactive";

    public bool WantsPlotly => true;

    /// <summary>Whether the kernel's assemblies are among those loaded.</summary>
    public static bool IsAmong(IEnumerable<Assembly> loaded) => loaded.Any(a => a.GetName().Name == "Microsoft.DotNet.Interactive");

    /// <summary>The host; values of the library's types look from now on as <see cref="Formatters"/> says.</summary>
    /// <exception cref="WorkbookException">The kernel is of a version that the library was not made for.</exception>
    public static INotebookHost Create()
    {
        try
        {
            return Ready();
        }
        catch (Exception e) when (e is TypeLoadException or MissingMemberException or FileLoadException or FileNotFoundException)
        {
            throw new WorkbookException(
                $"this kernel is not the .NET Interactive that the library was made for ({e.Message}): "
                + "'dotnet tool update --global Microsoft.dotnet-interactive --version 1.0.712001' gets that", e);
        }
    }

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        string id = Guid.NewGuid().ToString("N");
        if (KernelInvocationContext.Current is { } context)
        {
            _contexts[id] = context;
            _watched.GetValue(context, Watch);
            context.Publish(new DisplayedValueProduced(bundle[Formatters.PlainType], context.Command, Values(bundle), id));
        }

        return id;
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle)
    {
        if ((KernelInvocationContext.Current ?? _contexts.GetValueOrDefault(id)) is { } context)
        {
            context.Publish(new DisplayedValueUpdated(bundle[Formatters.PlainType], id, context.Command, Values(bundle)));
        }
    }

    /// <summary>The newest formatter of a type wins: whoever loads one for charts later is followed by ours.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void RegisterFormatters()
    {
        foreach ((Type type, string[] mimeTypes) in Formatters.Known)
        {
            foreach (string mimeType in mimeTypes)
            {
                bool Write(object value, FormatContext context)
                {
                    if (Formatters.TryFormat(value) is not { } bundle || !bundle.TryGetValue(mimeType, out string? text))
                    {
                        return false;
                    }

                    context.Writer.Write(text);
                    return true;
                }

                Formatter.Register(type, Write, mimeType);
            }

            Formatter.SetPreferredMimeTypesFor(type, mimeTypes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static DotnetInteractiveHost Ready()
    {
        RegisterFormatters();
        KernelInvocationContext.Current?.HandlingKernel?.RootKernel.KernelEvents.Subscribe(new Observer(e =>
        {
            if (e is KernelExtensionLoaded)
            {
                RegisterFormatters();
            }
        }));
        return new DotnetInteractiveHost();
    }

    private static FormattedValue[] Values(IReadOnlyDictionary<string, string> bundle) => [.. bundle.Select(part => new FormattedValue(part.Key, part.Value))];

    // An exception that ends a cell leaves its bars as they are: nobody disposes of them. Once the cell is complete, nothing moves them.
    private static object Watch(KernelInvocationContext context) => context.KernelEvents.Subscribe(new Observer(e =>
    {
        if (e is CommandFailed)
        {
            ProgressBar.StopAll();
        }
    }));

    private sealed class Observer(Action<KernelEvent> onNext) : IObserver<KernelEvent>
    {
        public void OnNext(KernelEvent value) => onNext(value);

        public void OnError(Exception error)
        {
        }

        public void OnCompleted()
        {
        }
    }
}
