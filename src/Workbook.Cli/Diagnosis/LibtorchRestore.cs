using System.ComponentModel;
using System.Diagnostics;
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
            ProcessStartInfo start = new(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [
                    "restore", Path.Combine(AppContext.BaseDirectory, "libtorch.proj"), "--nologo", "--verbosity", "quiet",
                    $"-p:LibtorchRid={NativeFiles.Rid}", $"-p:LibtorchVersion={Libtorch.Version}",
                    $"-p:BaseIntermediateOutputPath={folder}/", $"-p:RestoreRootConfigDirectory={Environment.CurrentDirectory}",
                ])
            { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process restore = Process.Start(start)!;
            Task<string> errors = restore.StandardError.ReadToEndAsync();
            string[] lines = [.. restore.StandardOutput.ReadToEnd().Split('\n').Concat(errors.GetAwaiter().GetResult().Split('\n'))
                .Select(line => line.Trim())];
            restore.WaitForExit();
            if (restore.ExitCode != 0)
            {
                string? fault = lines.FirstOrDefault(line => line.Contains("error ", StringComparison.Ordinal)) is { } error
                    ? error[(error.IndexOf("error ", StringComparison.Ordinal) + 6)..].TrimEnd('.') : lines.FirstOrDefault(line => line.Length > 0);
                throw new WorkbookException($"{package} {Libtorch.Version} could not be fetched ({fault}): connect to a network, or add a source that has "
                    + $"it with 'dotnet nuget add source'");
            }
        }
        catch (Win32Exception e)
        {
            throw new WorkbookException("libtorch is fetched by the .NET SDK, which was not found: install it from "
                + "https://dotnet.microsoft.com/download/dotnet/10.0", e);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
