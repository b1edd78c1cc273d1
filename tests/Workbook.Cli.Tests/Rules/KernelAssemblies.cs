using System.Reflection;
using System.Runtime.Loader;

namespace Workbook.Cli.Tests.Rules;

/// <summary>
/// What .NET Interactive brings when it runs a notebook, for tests that look at the public types of Workbook.Notebook or compile it anew: from the
/// folder of that project's own tests.
/// </summary>
internal static class KernelAssemblies
{
    private static readonly string s_folder = AppContext.BaseDirectory.Replace("Workbook.Cli.Tests", "Workbook.Notebook.Tests", StringComparison.Ordinal);

    /// <summary>The kernel's assemblies, and those of its extension for charts.</summary>
    internal static IEnumerable<string> Paths =>
    [
        .. Directory.EnumerateFiles(s_folder, "Microsoft.DotNet.Interactive*.dll"), Path.Combine(s_folder, "System.Reactive.dll"),
        Path.Combine(s_folder, "plotly", "Plotly.NET.Interactive.dll"),
    ];

    static KernelAssemblies() => AssemblyLoadContext.Default.Resolving += (_, name) =>
        Paths.FirstOrDefault(path => Path.GetFileNameWithoutExtension(path) == name.Name) is { } path ? Assembly.LoadFrom(path) : null;

    /// <summary>From here on they are found.</summary>
    internal static void Attach()
    {
    }
}
