using Xunit;

namespace Workbook.Cli.Tests.Rules;

public sealed class LayerRules
{
    public static TheoryData<string> Names => [.. Projects.Names];

    [Fact]
    public void Every_project_has_its_place() =>
        Assert.Equal(
            Projects.Names.Append(Projects.All).Order(StringComparer.Ordinal),
            Directory.GetFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories).Select(path => Path.GetFileNameWithoutExtension(path))
                .Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void Projects_refer_downwards_only(string project)
    {
        int own = Projects.LayerOf(project);
        Assert.All(Projects.Included(project, "ProjectReference"), known => Assert.InRange(Projects.LayerOf(known), 0, own - 1));
        string[] compiled = [.. Projects.AssemblyOf(project).GetReferencedAssemblies().Select(a => a.Name!).Where(name => name.Split('.')[0] == "Workbook")];
        Assert.All(compiled, known => Assert.InRange(Projects.LayerOf(known), 0, own - 1));
    }

    [Fact]
    public void The_thin_library_stands_on_TorchSharp_alone()
    {
        IEnumerable<string> below = Projects.Names.Where(name => Projects.LayerOf(name) <= Projects.LayerOf(Projects.Core));
        Assert.Equal(
            ["TorchSharp"],
            below.SelectMany(name => Projects.Included(name, "PackageReference"))
                .Where(package => !package.StartsWith("libtorch-", StringComparison.Ordinal)).Distinct());
        IEnumerable<string> compiled = below.SelectMany(name => Projects.AssemblyOf(name).GetReferencedAssemblies()).Select(a => a.Name!).Distinct();
        Assert.Equal(["TorchSharp"], compiled.Where(name => name.Split('.')[0] is not ("System" or "Workbook")));
    }

    [Fact]
    public void The_one_package_has_no_code_and_nobody_refers_to_it()
    {
        Assert.Empty(Projects.Sources(Path.Combine("src", Projects.All)));
        Assert.DoesNotContain(Projects.All, Projects.Names.SelectMany(name => Projects.Included(name, "ProjectReference")));
        Assert.Equal(
            Projects.Names.Where(Projects.IsLibraryPackage).Order(StringComparer.Ordinal),
            Projects.Included(Projects.All, "ProjectReference").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_public_type_is_called_as_its_namespace() =>
        Assert.Empty(Projects.Names.SelectMany(name => Projects.AssemblyOf(name).GetExportedTypes())
            .Where(type => type.Namespace?.Split('.')[^1] == type.Name).Select(type => type.FullName));
}
