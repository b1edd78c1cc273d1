using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Workbook.Native;

/// <summary>
/// Loads libtorch by itself, from wherever it lies, before the first tensor: TorchSharp's own probing does not find it
/// in notebooks, and on Debian 12 and Ubuntu 22.04 refuses it for the C++ runtime's age.
/// </summary>
public static class Libtorch
{
    /// <summary>The libtorch that TorchSharp 0.107.0 is built for.</summary>
    public const string Version = "2.10.0";

    // A failure is not kept: who fetches what is missing can go on in the same process.
    private static readonly Lazy<string> s_loaded = new(LoadOnce, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The folder that libtorch was, or will be, loaded from.</summary>
    /// <exception cref="WorkbookException">As <see cref="Load"/>.</exception>
    public static string Folder => s_loaded.Value;

    /// <summary>Loads libtorch unless that is done; any number of threads may call it.</summary>
    /// <exception cref="WorkbookException">There is no libtorch for this system, it was not found, or it does not load.</exception>
    public static void Load() => _ = s_loaded.Value;

    /// <summary>Whoever touches a type of this library has libtorch loaded; failures wait for <see cref="Load"/> or the first tensor.</summary>
#pragma warning disable CA2255 // Meant for applications, needed here: TorchSharp must find libtorch loaded.
    [ModuleInitializer]
    internal static void LoadWithTheLibrary()
    {
        try
        {
            Load();
        }
        catch (WorkbookException)
        {
            // A module initializer that throws would hide the message behind a TypeInitializationException.
        }
    }
#pragma warning restore CA2255

    /// <summary>The folder that holds libtorch; null if it is in none of the places that are looked in.</summary>
    internal static string? Find() => NativeFiles.FolderOf("torch_cpu", $"libtorch-cpu-{NativeFiles.Rid}", Version);

    private static string LoadOnce()
    {
        RefuseForeignSystems(NativeFiles.Rid);
        string torch = Find() ?? throw Missing("libtorch", $"libtorch-cpu-{NativeFiles.Rid}", Version);
        string torchSharpVersion = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3);
        string interop = NativeFiles.FolderOf("LibTorchSharp", "torchsharp", torchSharpVersion)
            ?? throw Missing("LibTorchSharp", "TorchSharp", torchSharpVersion);

        Allocation.KeepMemory();
        try
        {
            foreach (string library in (string[])["c10", "torch_cpu", "torch"])
            {
                NativeLibrary.Load(Path.Combine(torch, NativeFiles.FileName(library)));
            }

            string file = Path.Combine(interop, NativeFiles.FileName("LibTorchSharp"));
            NativeLibrary.Load(OperatingSystem.IsLinux()
                ? CompatibleCopy.For(file, SystemVersions(), CacheRoot.All().Select(root => Path.Combine(root, "native"))) : file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            string reason = e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
            throw new WorkbookException($"libtorch in {torch} does not load ({reason}): delete its package from the NuGet cache and run 'dotnet restore' "
                + $"again", e);
        }

        OneDnn.SwitchOffIfWrong(Path.Combine(torch, NativeFiles.FileName("torch_cpu")));
        return torch;
    }

    /// <exception cref="WorkbookException">libtorch has no build for the system.</exception>
    internal static void RefuseForeignSystems(string rid)
    {
        if (rid is not ("linux-x64" or "win-x64" or "osx-arm64"))
        {
            string remedy = rid == "linux-arm64"
                ? "run it in a container made with --platform=linux/amd64" : "use Linux or Windows on x64, or macOS on arm64";
            throw new WorkbookException($"TorchSharp has no native libraries for {rid}: {remedy}");
        }
    }

    private static WorkbookException Missing(string what, string package, string version) => new(
        $"{what} was not found beside the library, in runtimes/{NativeFiles.Rid}/native or in the NuGet cache: run 'dotnet build' for a project, 'workbook "
            + $"doctor --fix' for the tool, or add the package {package} {version} to the project");

    /// <summary>The versions that the C++ runtime of this process defines: the file that is loaded counts, not one that may lie elsewhere.</summary>
    private static IReadOnlyList<string> SystemVersions()
    {
        if (!NativeLibrary.TryLoad(CompatibleCopy.Library, out _))
        {
            throw new WorkbookException($"this system has no {CompatibleCopy.Library}: install it (Debian, Ubuntu: apt-get install libstdc++6)");
        }

        string? path = File.ReadLines("/proc/self/maps").Select(line => line[(line.IndexOf('/') + 1)..])
            .Where(file => Path.GetFileName(file).StartsWith("libstdc++.so", StringComparison.Ordinal)).Select(file => "/" + file).FirstOrDefault();
        try
        {
            return path is null ? [] : new ElfImage(File.ReadAllBytes(path)).DefinedVersions();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the system's {path} can't be read ({e.Message}): reinstall it (Debian, Ubuntu: apt-get install --reinstall "
                + $"libstdc++6)", e);
        }
    }
}
