using Workbook.Native;

namespace Workbook.Cli.Engines;

/// <summary>The tool Microsoft.dotnet-interactive, the kernel of Polyglot Notebooks: where it lies.</summary>
internal static class InteractiveTool
{
    /// <summary>The version that the workbook is made for: the last one.</summary>
    public const string Version = "1.0.712001";

    private const string Package = "microsoft.dotnet-interactive";
    private const string Dll = "Microsoft.DotNet.Interactive.App.dll";

    /// <summary>The program to start; null where the tool is not here.</summary>
    public static string? Find() => Named() ?? Installed().Where(place => place.Version == Version).Select(place => place.Path).FirstOrDefault();

    /// <summary>The program to start.</summary>
    /// <exception cref="WorkbookException">The tool is not here, or in another version.</exception>
    public static string Require()
    {
        if (Find() is { } found)
        {
            return found;
        }

        string[] others = [.. Installed().Select(place => place.Version).Distinct()];
        string what = others.Length == 0 ? "is not here" : $"is here in version {string.Join(" and ", others)} only";
        throw new WorkbookException($"the kernel dotnet-interactive {Version} {what}: {Remedy}");
    }

    /// <summary>What to do where it is missing.</summary>
    public static string Remedy =>
        $"'dotnet tool restore' gets it for the clone, elsewhere 'dotnet tool install --global Microsoft.dotnet-interactive --version {Version}'";

    private static string? Named() => EnvironmentVariables.Find(EnvironmentVariables.Interactive) is not { } named ? null
        : File.Exists(named) ? Path.GetFullPath(named)
        : throw new WorkbookException($"{EnvironmentVariables.Interactive}={named}: there is no such file; name dotnet-interactive's program or DLL");

    // A clone's tools lie in the package cache; global ones, and those of --tool-path, beside their commands.
    private static IEnumerable<(string Version, string Path)> Installed()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string cache = EnvironmentVariables.Find("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages");
        string[] paths = (EnvironmentVariables.Find("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string[] commands = [Path.Combine(home, ".dotnet", "tools"), .. paths];
        string[] roots = [Path.Combine(cache, Package), .. commands.Select(folder => Path.Combine(folder, ".store", Package))];
        return from root in roots.Distinct()
               where Directory.Exists(root)
               from folder in Directory.EnumerateDirectories(root)
               let version = Path.GetFileName(folder)
               from place in new[] { folder, Path.Combine(folder, Package, version) }
               let tools = Path.Combine(place, "tools")
               where Directory.Exists(tools)
               from path in Directory.EnumerateFiles(tools, Dll, SearchOption.AllDirectories)
               select (version, path);
    }
}
