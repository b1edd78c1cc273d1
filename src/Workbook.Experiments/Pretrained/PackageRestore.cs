using System.ComponentModel;
using System.Diagnostics;

namespace Workbook;

/// <summary>Gets packages as the .NET SDK does: from the sources, through the proxies and with the passwords that the user has configured for it.</summary>
internal static class PackageRestore
{
    /// <summary>A project that downloads one package as it is, without what it depends on, and that takes nothing from the folders above it.</summary>
    private const string Project = """
        <Project>
          <PropertyGroup>
            <ImportDirectoryBuildProps>false</ImportDirectoryBuildProps>
            <ImportDirectoryBuildTargets>false</ImportDirectoryBuildTargets>
            <ImportDirectoryPackagesProps>false</ImportDirectoryPackagesProps>
          </PropertyGroup>
          <Import Project="Sdk.props" Sdk="Microsoft.NET.Sdk" />
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
          </PropertyGroup>
          <ItemGroup>
            <PackageDownload Include="$(WantedPackage)" Version="[$(WantedVersion)]" />
          </ItemGroup>
          <Import Project="Sdk.targets" Sdk="Microsoft.NET.Sdk" />
        </Project>
        """;

    /// <summary>Downloads one package, without what it depends on.</summary>
    /// <param name="package">Its id.</param>
    /// <param name="version">Which.</param>
    /// <param name="folder">An empty folder for it; the files of the package are under PACKAGE/VERSION there, in small letters.</param>
    /// <param name="report">Gets a line now and then.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>The folder of the package's files, and the package itself.</returns>
    /// <exception cref="WorkbookException">There is no SDK, or no source that gives the package.</exception>
    internal static (string Files, string Package) Download(string package, string version, string folder, Action<string>? report, CancellationToken cancel)
    {
        string project = Path.Combine(folder, "download.proj"), packages = Path.Combine(folder, "packages");
        File.WriteAllText(project, Project);
        Run(package, version, project, [$"-p:WantedPackage={package}", $"-p:WantedVersion={version}", $"-p:RestorePackagesPath={packages}"], report, cancel);
#pragma warning disable CA1308 // NuGet's folders have small letters
        string name = package.ToLowerInvariant();
#pragma warning restore CA1308
        string files = Path.Combine(packages, name, version);
        return (files, Path.Combine(files, $"{name}.{version}.nupkg"));
    }

    /// <summary>Restores a project that brings a package.</summary>
    /// <param name="package">The package, for the message.</param>
    /// <param name="version">Its version, for the message.</param>
    /// <param name="project">The project.</param>
    /// <param name="properties">As <c>-p:NAME=VALUE</c>.</param>
    /// <param name="report">Gets a line now and then.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="WorkbookException">There is no SDK, or no source that gives the package.</exception>
    internal static void Run(string package, string version, string project, IReadOnlyList<string> properties, Action<string>? report = null,
        CancellationToken cancel = default)
    {
        try
        {
            ProcessStartInfo start = new(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [
                    "restore", project, "--nologo", "--verbosity", "quiet", .. properties, $"-p:RestoreRootConfigDirectory={Environment.CurrentDirectory}",
                ])
            { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process restore = Process.Start(start)!;
            using CancellationTokenRegistration ends = cancel.Register(() => restore.Kill(entireProcessTree: true));
            Stopwatch watch = Stopwatch.StartNew();
            Task<string> errors = restore.StandardError.ReadToEndAsync(CancellationToken.None);
            Task<string> output = restore.StandardOutput.ReadToEndAsync(CancellationToken.None);
            while (!restore.WaitForExit(TimeSpan.FromSeconds(10)))
            {
                report?.Invoke(FormattableString.Invariant($"{package} {version}: for {watch.Elapsed.TotalSeconds:F0} s"));
            }

            cancel.ThrowIfCancellationRequested();
            string[] lines = [.. output.GetAwaiter().GetResult().Split('\n').Concat(errors.GetAwaiter().GetResult().Split('\n')).Select(line => line.Trim())];
            if (restore.ExitCode != 0)
            {
                string? fault = lines.FirstOrDefault(line => line.Contains("error ", StringComparison.Ordinal)) is { } error
                    ? error[(error.IndexOf("error ", StringComparison.Ordinal) + 6)..].TrimEnd('.') : lines.FirstOrDefault(line => line.Length > 0);
                throw new WorkbookException($"{package} {version} could not be fetched ({fault}): connect to a network, or add a source that has "
                    + $"it with 'dotnet nuget add source'");
            }
        }
        catch (Win32Exception e)
        {
            throw new WorkbookException($"{package} is fetched by the .NET SDK, which was not found: install it from "
                + "https://dotnet.microsoft.com/download/dotnet/10.0", e);
        }
    }
}
