using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Workbook.Native;

namespace Workbook.Notebook;

/// <summary>Lets a host that knows nothing of the library's folder find its assemblies and natives there.</summary>
internal static class AssemblyProbing
{
    private static readonly string s_folder = Path.GetDirectoryName(typeof(AssemblyProbing).Assembly.Location) ?? AppContext.BaseDirectory;

    // In the second lies what a kernel that looks for extensions must not find before this one has started.
    private static readonly string[] s_folders = [s_folder, Path.Combine(s_folder, "plotly")];
    private static int s_attached;

    /// <summary>Begins to look, once.</summary>
    public static void Attach()
    {
        if (Interlocked.Exchange(ref s_attached, 1) == 1)
        {
            return;
        }

        AssemblyLoadContext.Default.Resolving += (_, name) => Managed(name);
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => Native(name);
    }

    private static Assembly? Managed(AssemblyName name)
    {
        string? file = s_folders.Select(folder => Path.Combine(folder, name.Name + ".dll")).FirstOrDefault(File.Exists);
        try
        {
            return file is null ? OfHost(name) : AssemblyLoadContext.Default.LoadFromAssemblyPath(file);
        }
        catch (FileLoadException)
        {
            return OfHost(name);
        }
    }

    /// <summary>
    /// The build that the host has, loaded or not: two copies of one assembly would not understand each other's types, and no other
    /// one can be loaded beside it. A host may have an older one than a library asks for, as .NET Interactive does of FSharp.Core.
    /// </summary>
    private static Assembly? OfHost(AssemblyName name)
    {
        if (AssemblyLoadContext.Default.Assemblies.FirstOrDefault(a => a.GetName().Name == name.Name) is { } loaded)
        {
            return loaded;
        }

        // Without a version it is asked for only from here: then nobody has it.
        if (name.Version is null)
        {
            return null;
        }

        try
        {
            return AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(name.Name!));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static nint Native(string name)
    {
        string[] folders = [Path.Combine(s_folder, "runtimes", NativeFiles.Rid, "native"), s_folder];
        foreach (string file in folders.SelectMany(folder => new[] { Path.Combine(folder, name), Path.Combine(folder, NativeFiles.FileName(name)) }))
        {
            if (File.Exists(file) && NativeLibrary.TryLoad(file, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
