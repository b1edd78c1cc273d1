namespace Workbook.Cli.Kernel;

/// <summary>The assemblies that this process has or can load itself: the framework's and the runner's.</summary>
internal static class OwnAssemblies
{
    private static readonly Dictionary<string, string> s_paths = FindPaths();

    /// <summary>The assemblies that every cell can use without <c>#r</c>: the framework's, and the runner's own for <c>display</c>.</summary>
    public static IEnumerable<string> Defaults()
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        return s_paths.Values
            .Where(path => Path.GetDirectoryName(path) == framework && IsPublicFacade(Path.GetFileNameWithoutExtension(path)))
            .Append(typeof(OwnAssemblies).Assembly.Location);
    }

    /// <summary>The path of this process's copy of an assembly, null if it has none.</summary>
    /// <param name="simpleName">Such as <c>FSharp.Core</c>.</param>
    public static string? Find(string simpleName) => s_paths.GetValueOrDefault(simpleName);

    // Implementation assemblies repeat the types of the facades; Visual Basic's and the old façades only cost time.
    private static bool IsPublicFacade(string name) =>
        name is "netstandard" or "System.Private.CoreLib" or "System.Private.Uri" or "System.Private.Xml" or "System.Private.Xml.Linq"
            or "System.Private.DataContractSerialization"
        || (name.StartsWith("System.", StringComparison.Ordinal) && !name.StartsWith("System.Private.", StringComparison.Ordinal))
        || name is "Microsoft.CSharp" or "Microsoft.Win32.Primitives";

    private static Dictionary<string, string> FindPaths()
    {
        Dictionary<string, string> paths = new(StringComparer.OrdinalIgnoreCase);
        string trusted = (string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "";
        foreach (string path in trusted.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            paths.TryAdd(Path.GetFileNameWithoutExtension(path), path);
        }

        return paths;
    }
}
