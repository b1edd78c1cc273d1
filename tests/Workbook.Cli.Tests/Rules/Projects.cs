using System.Reflection;
using System.Xml.Linq;

namespace Workbook.Cli.Tests.Rules;

/// <summary>The projects under <c>src</c>: the one place that says which may know which.</summary>
internal static class Projects
{
    /// <summary>From the lowest to the highest; those of one row are siblings. A project knows rows above its own only, as they stand here.</summary>
    internal static readonly string[][] Layers =
    [
        ["Workbook.Native"],
        ["Workbook.SafeTensors"],
        [Core],
        ["Workbook.Structured", "Workbook.Sparse"],
        ["Workbook.Curvature"],
        ["Workbook.Experiments"],
        ["Workbook.Notebook"],
        ["Workbook.Cli"],
    ];

    /// <summary>The thin library.</summary>
    internal const string Core = "Workbook";

    /// <summary>A package of packages, without code.</summary>
    internal const string All = "Workbook.All";

    internal static IEnumerable<string> Names => Layers.SelectMany(row => row);

    internal static int LayerOf(string project) => Array.FindIndex(Layers, row => row.Contains(project));

    internal static XElement FileOf(string project) => XElement.Load(Repository.PathOf("src", project, project + ".csproj"));

    /// <summary>What a project file includes of a kind, e.g. <c>PackageReference</c>.</summary>
    internal static IEnumerable<string> Included(string project, string kind) =>
        FileOf(project).Descendants(kind).Select(item => NameOf(item.Attribute("Include")!.Value));

    /// <summary>A package's name as it is; of a project's path only its name.</summary>
    private static string NameOf(string included) =>
        included.EndsWith(".csproj", StringComparison.Ordinal) ? Path.GetFileNameWithoutExtension(included.Replace('\\', '/')) : included;

    internal static Assembly AssemblyOf(string project)
    {
        KernelAssemblies.Attach();
        return Assembly.Load(project);
    }

    /// <summary>Whether it is packed as a library or an extension.</summary>
    internal static bool IsPackage(string project) =>
        FileOf(project).Descendants("IsPackable").Any(e => e.Value == "true") && !FileOf(project).Descendants("PackAsTool").Any();

    /// <summary>Whether programs add it as a library: what notebooks load as an extension is none.</summary>
    internal static bool IsLibraryPackage(string project) => IsPackage(project) && project != "Workbook.Notebook";

    /// <summary>All C# files of a folder of the clone, relative to it, with their lines.</summary>
    internal static IEnumerable<(string Path, string[] Lines)> Sources(string folder) =>
        Directory.EnumerateFiles(Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => (Path.GetRelativePath(Repository.PathOf(), path).Replace('\\', '/'), File.ReadAllLines(path)));
}
