using System.IO.Compression;
using System.Xml.Linq;
using Workbook.Cli.Tests.Running;
using Workbook.Native;
using Xunit;

namespace Workbook.Cli.Tests.Packages;

public sealed class PackageTests(PackedWorkbook packed) : IClassFixture<PackedWorkbook>, IDisposable
{
    private const string PruneALayer = """
        var layer = Linear(20, 10);
        var mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.9);
        mask.Apply(layer);
        layer.weight.count_nonzero().item<long>()
        """;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void The_packages_say_what_they_are_and_hold_nothing_of_the_machine_that_made_them()
    {
        Assert.DoesNotContain("warning", packed.PackOutput, StringComparison.OrdinalIgnoreCase);
        foreach (string path in new[] { packed.Library, packed.Tool })
        {
            using ZipArchive package = ZipFile.OpenRead(path);
            string[] files = [.. package.Entries.Select(entry => entry.FullName)];
            XElement about = XDocument.Load(package.Entries.Single(entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open()).Root!.Elements().Single();
            string Text(string name) => about.Elements().Single(e => e.Name.LocalName == name).Value;
            Assert.Equal("MIT", Text("license"));
            Assert.Contains(Text("readme"), files);
            Assert.True(Text("description").Length > 40);
            Assert.DoesNotContain(files, file => file.EndsWith("libtorch.path", StringComparison.Ordinal));
            Assert.True(new FileInfo(path).Length < 250_000_000, "nuget.org takes no more");
        }

        using ZipArchive library = ZipFile.OpenRead(packed.Library);
        Assert.NotNull(library.GetEntry("lib/net10.0/Workbook.xml"));
        using StreamReader targets = new(library.GetEntry("buildTransitive/PruningWorkbook.targets")!.Open());
        Assert.Contains($"<LibtorchVersion>{Libtorch.Version}<", targets.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_installed_tool_runs_in_an_empty_folder()
    {
        Assert.Matches(@"^\d+\.\d+\.\d+", packed.Run(_workspace, PackedWorkbook.Cache, "--version").Output);
        Assert.Contains("libtorch: loads and computes", packed.Run(_workspace, PackedWorkbook.Cache, "doctor").Output, StringComparison.Ordinal);
        Assert.Contains("built-in digits", packed.Run(_workspace, PackedWorkbook.Cache, "data", "list").Output, StringComparison.Ordinal);

        _workspace.Write("n", "#!import ../lab.csx", PruneALayer);
        (int exitCode, _, string errors) = packed.Run(_workspace, PackedWorkbook.Cache, "run", "n.ipynb");
        Assert.True(exitCode == 0, errors);
        Assert.Equal(["execute_result: 20"], Running.Notebooks.Outputs(_workspace.Executed("n"), 1));
    }

    [Fact]
    public void Without_libtorch_the_tool_runs_plain_notebooks_and_says_in_one_line_how_to_get_it()
    {
        string empty = _workspace.PathOf("empty");
        _workspace.WriteText("nuget.config", """<configuration><packageSources><clear /><add key="none" value="no-such-folder" /></packageSources></configuration>""");
        _workspace.Write("plain", "1 + 1");
        _workspace.Write("pruning", "#!import lab.csx", PruneALayer);
        (int exitCode, _, string errors) = packed.Run(_workspace, empty, "run", "plain.ipynb", "pruning.ipynb", "--jobs", "2");
        Assert.Equal(1, exitCode);
        Assert.Equal(["execute_result: 2"], Running.Notebooks.Outputs(_workspace.Executed("plain"), 0));
        Assert.Contains("'workbook doctor --fix'", Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);

        (exitCode, string output, errors) = packed.Run(_workspace, empty, "doctor", "--fix");
        Assert.Equal(2, exitCode);
        Assert.Empty(output);
        Assert.Contains("could not be fetched (NU1301: ", errors.Trim().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_adds_the_librarys_package_prunes_a_model()
    {
        string output = packed.RunConsumer(_workspace, """
            using TorchSharp.Modules;
            using Workbook.Pruning;

            Linear layer = TorchSharp.torch.nn.Linear(300, 100); // a first use of TorchSharp that the library does not see
            Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.Global() }.Prune(layer, 0.9);
            mask.Apply(layer);
            Console.WriteLine(System.FormattableString.Invariant($"{mask.Sparsity:F3} of {mask.Total}"));
            """);
        Assert.Equal("0.900 of 30000", output.Trim());
    }
}
