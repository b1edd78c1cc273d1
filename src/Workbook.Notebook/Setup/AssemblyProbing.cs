using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Workbook.Native;

namespace Workbook.Notebook;

/// <summary>Lets a host that knows nothing of the library's folder find its assemblies and natives there.</summary>
internal static class AssemblyProbing
{
    private static readonly string s_folder = Path.GetDirectoryName(typeof(AssemblyProbing).Assembly.Location) ?? AppContext.BaseDirectory;

    public static void Attach()
    {
        AssemblyLoadContext.Default.Resolving += (_, name) => Managed(name);
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => Native(name);
    }

    private static Assembly? Managed(AssemblyName name)
    {
        string file = Path.Combine(s_folder, name.Name + ".dll");
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return AssemblyLoadContext.Default.LoadFromAssemblyPath(file);
        }
        catch (FileLoadException)
        {
            // The host brought another build of it: two copies of one assembly would not understand each other's types.
            return AssemblyLoadContext.Default.Assemblies.FirstOrDefault(a => a.GetName().Name == name.Name);
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
