using System.Reflection;

namespace Workbook.Notebook;

/// <summary>The kernels that have an adapter here.</summary>
internal static class KnownHosts
{
    /// <summary>The kernel that runs in this process, found by its assemblies; null where none of those known here does.</summary>
    internal static INotebookHost? Find(IReadOnlyList<Assembly> loaded) =>
        DotnetInteractiveHost.IsAmong(loaded) ? DotnetInteractiveHost.Create() : (INotebookHost?)ClrKernelHost.TryCreate(loaded) ?? VersoHost.TryCreate(loaded);
}
