using Workbook.Native;

namespace Workbook.Cli.Diagnosis;

/// <summary>Brings this system's libtorch into the package cache. A tool's package can't: it has no dependencies, and carrying libtorch it would be too
/// large.</summary>
internal static class LibtorchRestore
{
    /// <summary>Restores the package unless libtorch is here.</summary>
    /// <param name="report">Gets a line before it starts.</param>
    /// <exception cref="WorkbookException">There is no SDK, no libtorch for the system, or no source that gives the package.</exception>
    public static void Run(Action<string> report)
    {
        Libtorch.RefuseForeignSystems(NativeFiles.Rid);
        if (Libtorch.Find() is not null)
        {
            return;
        }

        string package = $"libtorch-cpu-{NativeFiles.Rid}";
        report($"fetching {package} {Libtorch.Version} into the NuGet cache");
        string folder = Directory.CreateTempSubdirectory("workbook-restore-").FullName;
        try
        {
            PackageRestore.Run(package, Libtorch.Version, Path.Combine(AppContext.BaseDirectory, "libtorch.proj"),
                [$"-p:LibtorchRid={NativeFiles.Rid}", $"-p:LibtorchVersion={Libtorch.Version}", $"-p:BaseIntermediateOutputPath={folder}/"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
