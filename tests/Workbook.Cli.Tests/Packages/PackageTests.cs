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
        Assert.Equal(
            ["", ".Core", ".Curvature", ".Experiments", ".Native", ".Notebook", ".SafeTensors", ".Sparse", ".Structured", ".Tool"],
            packed.Names.Select(name => name["PruningWorkbook".Length..]));
        string packages = File.ReadAllText(Repository.PathOf("docs", "packages.md"));
        foreach (string name in packed.Names)
        {
            using ZipArchive package = ZipFile.OpenRead(packed.PathOfPackage(name));
            string[] files = [.. package.Entries.Select(entry => entry.FullName)];
            XElement about = About(package);
            Assert.Equal("MIT", Text(about, "license"));
            Assert.Contains(Text(about, "readme"), files);
            Assert.True(Text(about, "description").Length > 40);
            Assert.Contains($"`{name}`", packages, StringComparison.Ordinal);
            Assert.DoesNotContain(files, file => file.EndsWith("libtorch.path", StringComparison.Ordinal));
            string assembly = name.Replace("Pruning", "", StringComparison.Ordinal).Replace(".Core", "", StringComparison.Ordinal);
            Assert.Equal(
                name is "PruningWorkbook" or "PruningWorkbook.Tool" ? [] : [$"lib/net10.0/{assembly}.dll", $"lib/net10.0/{assembly}.xml"],
                files.Where(file => file.StartsWith("lib/", StringComparison.Ordinal) && !file.Contains("/plotly/", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal));
            Assert.True(new FileInfo(packed.PathOfPackage(name)).Length < 250_000_000, "nuget.org takes no more");
        }

        using ZipArchive native = ZipFile.OpenRead(packed.PathOfPackage("PruningWorkbook.Native"));
        using StreamReader targets = new(native.GetEntry("buildTransitive/PruningWorkbook.Native.targets")!.Open());
        Assert.Contains($"<LibtorchVersion>{Libtorch.Version}<", targets.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_package_brings_all_and_the_thin_library_stands_on_TorchSharp_alone()
    {
        string[] OwnDependencies(string name)
        {
            using ZipArchive package = ZipFile.OpenRead(packed.PathOfPackage(name));
            IEnumerable<string> all = About(package).Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => e.Attribute("id")!.Value);
            return [.. all.Where(packed.Names.Contains).Order(StringComparer.Ordinal)];
        }

        Assert.Equal(packed.Names.Where(name => name is not ("PruningWorkbook" or "PruningWorkbook.Notebook" or "PruningWorkbook.Tool")),
            OwnDependencies("PruningWorkbook"));
        Assert.Equal(["PruningWorkbook.SafeTensors"], OwnDependencies("PruningWorkbook.Core"));
        Assert.Equal(["PruningWorkbook.Native"], OwnDependencies("PruningWorkbook.SafeTensors"));
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
        _workspace.WriteText("nuget.config", """
            <configuration><packageSources><clear /><add key="none" value="no-such-folder" /></packageSources></configuration>
            """);
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
    public void A_program_that_adds_the_one_package_runs_what_the_documents_show()
    {
        string[] blocks = [.. Documentation.Documents.Names
            .SelectMany(name => Documentation.ReadmeExamples.In(Documentation.Documents.Text(name)))
            .Where(example => example.Where.StartsWith("the C# block", StringComparison.Ordinal))
            .Select(example => example.Code.Replace("using Workbook;", "", StringComparison.Ordinal))];
        Assert.NotEmpty(blocks);
        string output = packed.RunConsumer(_workspace, "PruningWorkbook", "Consumer.cs", $$"""
            #nullable enable
            using Workbook;

            static class Consumer
            {
                static readonly LeNet300100 network = new(seed: 1);
                static readonly LabelledTensors train = LabelledTensors.FromImages(Digits.Generate(train: 200, test: 10).Train);
                static readonly Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.9);

                static void Main()
                {
                    {{string.Concat(blocks.Select((_, i) => $"Block{i}();\n"))}}
                    Console.WriteLine("all blocks ran");
                }

            {{string.Concat(blocks.Select((block, i) => $"static void Block{i}()\n{{\n{block}\n}}\n"))}}
            }
            """, "<NoWarn>$(NoWarn);CS8321;CS0219</NoWarn>");
        Assert.EndsWith("all blocks ran", output.Trim(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_thin_library_alone_serves_programs_in_the_language_of_a_year_ago() =>
        Assert.Equal("0.900 of 3000, 3000 again", packed.RunConsumer(_workspace, "PruningWorkbook.Core", "Consumer.cs", """
            using TorchSharp;
            using TorchSharp.Modules;
            using Workbook;

            Linear layer = torch.nn.Linear(300, 10); // a first use of TorchSharp that the library does not see
            Mask mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.9);
            mask.Save("mask.safetensors");
            Mask again = Mask.Load("mask.safetensors");
            LabelledTensors data = new(torch.randn(20, 300), torch.zeros(20, torch.int64));
            Trainer.Train(layer, data, new Recipe { Epochs = 1 }, 1);
            Trainer.Train(layer, data, new Recipe { Epochs = 1 }, 1, again);
            Console.WriteLine(FormattableString.Invariant($"{mask.Sparsity:F3} of {mask.Total}, {again.Total} again"));
            """, "<LangVersion>13</LangVersion>").Trim());

    [Fact]
    public void FSharp_calls_it_with_optional_arguments_left_out() =>
        Assert.Equal("0.900 of 3000, 3000 again", packed.RunConsumer(_workspace, "PruningWorkbook.Core", "Consumer.fs", """
            module Consumer
            open TorchSharp
            open Workbook

            [<EntryPoint>]
            let main _ =
                let layer = torch.nn.Linear(300L, 10L) // a first use of TorchSharp that the library does not see
                let mask = Pruner(Saliency.Magnitude).Prune(layer, 0.9)
                mask.Save "mask.safetensors"
                let again = Mask.Load "mask.safetensors"
                let data = new LabelledTensors(torch.randn(20L, 300L), torch.zeros(20L, torch.int64))
                Trainer.Train(layer, data, Recipe(Epochs = 1.0), 1) |> ignore
                Trainer.Train(layer, data, Recipe(Epochs = 1.0), 1, again) |> ignore
                System.Console.WriteLine(System.FormattableString.Invariant $"{mask.Sparsity:F3} of {mask.Total}, {again.Total} again")
                0
            """).Trim());

    private static XElement About(ZipArchive package) =>
        XDocument.Load(package.Entries.Single(e => e.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open()).Root!.Elements().Single();

    private static string Text(XElement about, string name) => about.Elements().Single(e => e.Name.LocalName == name).Value;
}
