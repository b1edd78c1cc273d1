using System.Reflection;
using System.Runtime.InteropServices;

namespace Workbook.Native;

/// <summary>Where the native libraries may lie, in the order in which they are looked for.</summary>
internal static class NativeFiles
{
    /// <summary>The runtime identifier, as in a package's <c>runtimes/</c> folder.</summary>
    internal static string Rid { get; } =
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
        + (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "-arm64" : "-x64");

    /// <summary>A library's file name on this system, e.g. <c>torch_cpu</c> → <c>libtorch_cpu.so</c>.</summary>
    internal static string FileName(string library) => OperatingSystem.IsWindows() ? library + ".dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The first folder that holds the library, or null.</summary>
    internal static string? FolderOf(string library, string package, string version) =>
        Folders(package, version).FirstOrDefault(folder => File.Exists(Path.Combine(folder, FileName(library))));

    private static IEnumerable<string> Folders(string package, string version)
    {
        string[] own = [.. new[] { AppContext.BaseDirectory, Folder(typeof(NativeFiles).Assembly), Folder(typeof(TorchSharp.torch).Assembly) }
            .Where(folder => folder.Length > 0).Distinct()];
        foreach (string folder in own)
        {
            yield return folder;
            yield return Path.Combine(folder, "runtimes", Rid, "native");
        }

        // The build leaves the package's place here; it serves caches that are configured to be elsewhere.
        foreach (string note in own.Select(folder => Path.Combine(folder, "libtorch.path")).Where(File.Exists))
        {
            yield return File.ReadAllText(note).Trim();
        }

        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        yield return Path.Combine(cache, package, version, "runtimes", Rid, "native");
    }

    private static string Folder(Assembly assembly) => Path.GetDirectoryName(assembly.Location) ?? "";
}
