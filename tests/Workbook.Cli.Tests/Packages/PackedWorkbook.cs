using System.Diagnostics;
using Workbook.Cli.Tests.Running;
using Workbook.Native;
using Xunit;

namespace Workbook.Cli.Tests.Packages;

/// <summary>All packages, made once from what is built, and the tool installed from them: all in a folder of its own, without a network.</summary>
public sealed class PackedWorkbook : IDisposable
{
    private const string Version = "0.0.0-test";

    private readonly string _folder = Directory.CreateTempSubdirectory("workbook-packages-").FullName;

    public PackedWorkbook()
    {
        string configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string[] built = ["--no-build", "-c", configuration, "-o", Source, $"-p:PackageVersion={Version}"];
        PackOutput = Dotnet(_folder, ["pack", Repository.PathOf("Workbook.sln"), .. built]);
        Dotnet(_folder, "tool", "install", "PruningWorkbook.Tool", "--version", Version, "--tool-path", PathOf("tool"), "--source", Source);
    }

    public string PackOutput { get; }

    /// <summary>The folder with the packages.</summary>
    public string Source => PathOf("packages");

    /// <summary>The packages' names.</summary>
    public IReadOnlyList<string> Names =>
        [.. Directory.GetFiles(Source, "*.nupkg").Select(path => Path.GetFileName(path)[..^$".{Version}.nupkg".Length]).Order(StringComparer.Ordinal)];

    public string PathOfPackage(string name) => PathOf("packages", $"{name}.{Version}.nupkg");

    /// <summary>The package cache that the build of these tests filled: .../libtorch-cpu-RID/VERSION/runtimes/RID/native lies in it.</summary>
    public static string Cache { get; } = Path.GetFullPath(Path.Combine(Libtorch.Folder, "..", "..", "..", "..", ".."));

    public string PathOf(params string[] names) => Path.Combine([_folder, .. names]);

    /// <summary>Runs the installed tool, with a package cache in which it may find libtorch.</summary>
    public (int ExitCode, string Output, string Errors) Run(Workspace workspace, string cache, params string[] arguments)
    {
        ProcessStartInfo start = new(PathOf("tool", OperatingSystem.IsWindows() ? "workbook.exe" : "workbook"), arguments);
        return Finish(start, workspace.Folder, cache);
    }

    /// <summary>Builds and runs a console program that references one package and nothing else.</summary>
    /// <param name="workspace">Where its project is written.</param>
    /// <param name="package">The package.</param>
    /// <param name="file">The program's file, <c>.cs</c> or <c>.fs</c>.</param>
    /// <param name="program">Its text.</param>
    /// <param name="properties">More of the project's properties, as in its file.</param>
    public string RunConsumer(Workspace workspace, string package, string file, string program, string properties = "")
    {
        workspace.WriteText(file, program);
        workspace.WriteText(
            $"Consumer.{Path.GetExtension(file)[1..]}proj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseAppHost>false</UseAppHost>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <RestoreSources>{Source}</RestoreSources>
                <RestoreFallbackFolders>{Cache}</RestoreFallbackFolders>
                <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <Compile Include="{file}" />
                <PackageReference Include="{package}" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        Dotnet(workspace.Folder, "build", "-o", workspace.PathOf("out"), "-p:UseSharedCompilation=false");
        return Dotnet(workspace.Folder, workspace.PathOf("out", "Consumer.dll"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Dotnet(string folder, params string[] arguments)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        (int exitCode, string output, string errors) = Finish(new(dotnet, arguments), folder, PathOf("cache"));
        Assert.True(exitCode == 0, $"dotnet {string.Join(' ', arguments)}: {output}{errors}");
        return output;
    }

    private static (int ExitCode, string Output, string Errors) Finish(ProcessStartInfo start, string folder, string cache)
    {
        start.WorkingDirectory = folder;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment["NUGET_PACKAGES"] = cache;

        // A build server that stays would hold the pipes open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        foreach (string name in new[] { "WORKBOOK_DATA", "WORKBOOK_PROFILE", "WORKBOOK_RUNS" })
        {
            start.Environment.Remove(name);
        }

        return Workspace.Finish(Process.Start(start)!);
    }
}
