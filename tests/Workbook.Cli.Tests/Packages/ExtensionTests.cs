using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Browsing;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Engines;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Packages;

/// <summary>The package PruningWorkbook.Notebook in a notebook outside of the clone, on the real kernel, from a folder, without a network.</summary>
public sealed class ExtensionTests : IDisposable
{
    private static readonly string[] s_projects = ["Workbook.Native", "Workbook.SafeTensors", "Workbook", "Workbook.Structured", "Workbook.Sparse",
        "Workbook.Curvature", "Workbook.Experiments", "Workbook.Notebook"];

    // Nobody is there: who asks the network finds out at once.
    private static readonly Dictionary<string, string> s_offline = new() { ["HTTPS_PROXY"] = "http://127.0.0.1:9", ["HTTP_PROXY"] = "http://127.0.0.1:9" };

    private readonly string _version = $"0.0.0-test{Guid.NewGuid().ToString("N")[..8]}";
    private readonly Workspace _workspace = new();

    public void Dispose()
    {
        // The kernel restores into the cache that all projects share.
        foreach (string package in Directory.GetDirectories(PackedWorkbook.Cache, "pruningworkbook.*")
            .Append(Path.Combine(PackedWorkbook.Cache, "plotly.net.interactive")))
        {
            string unpacked = Path.Combine(package, _version);
            if (Directory.Exists(unpacked))
            {
                Directory.Delete(unpacked, recursive: true);
            }
        }

        _workspace.Dispose();
    }

    [Fact]
    public async Task A_notebook_outside_of_the_clone_gets_the_workbook_with_one_line()
    {
        KernelTool.Require();
        string feed = Pack();
        using (ZipArchive package = ZipFile.OpenRead(Path.Combine(feed, $"PruningWorkbook.Notebook.{_version}.nupkg")))
        {
            Assert.NotNull(package.GetEntry("interactive-extensions/dotnet/extension.dib"));
            Assert.DoesNotContain(package.Entries, entry => entry.Name.StartsWith("Microsoft.", StringComparison.Ordinal));
        }

        PackPlotly(feed);
        FillCache(feed);
        string use = $"#i \"nuget: {feed}\"\n#r \"nuget: PruningWorkbook.Notebook, {_version}\"";
        _workspace.Write(
            "n",
            use,
            "var layer = Linear(20, 10);\nvar mask = new Pruner(Saliency.Magnitude).Prune(layer, 0.9);\nmask.Apply(layer);\nlayer.weight.count_nonzero()",
            "Draw.Lines(\"A\", \"x\", \"y\", [new Series(\"a\", [1, 2], [3.0, 4])]).Show();",
            "Draw.Lines(\"B\", \"x\", \"y\", [new Series(\"a\", [1, 2], [3.0, 4])]).Chart",
            "using (var bar = ProgressBar.Start(\"steps\", 2)) { bar.Step(); bar.Step(); }",
            "Claims.Ours(\"pruning.x\", \"s\", [1.0, 2], Expect.Below(2))",
            use, // once more changes nothing
            $"#r \"nuget: Plotly.NET.Interactive, {_version}\"", // its charts want a script from the network
            "Draw.Lines(\"C\", \"x\", \"y\", [new Series(\"a\", [1, 2], [3.0, 4])]).Chart");
        (int exitCode, string output, string errors) = Workspace.Finish(_workspace.Start(s_offline, "run", "n.ipynb", "--kernel", KernelTool.Option));
        Assert.True(exitCode == 0, output + errors);
        JsonObject executed = _workspace.Executed("n");
        Assert.DoesNotContain(Enumerable.Range(0, 9).SelectMany(i => Running.Notebooks.Outputs(executed, i)),
            text => text.StartsWith("stderr", StringComparison.Ordinal));
        Assert.Contains("value = 20", Running.Notebooks.Outputs(executed, 1)[0], StringComparison.Ordinal);
        Assert.Contains("2/2", Running.Notebooks.Outputs(executed, 4)[0], StringComparison.Ordinal);
        Assert.StartsWith("execute_result: [holds] pruning.x", Running.Notebooks.Outputs(executed, 5)[0], StringComparison.Ordinal);
        Assert.Contains("pruning.x",
            await File.ReadAllTextAsync(_workspace.PathOf("artifacts", "run", "claims.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        _workspace.Write("both", "#!import lab.csx", use, "Draw.Lines(\"A\", \"x\", \"y\", [new Series(\"a\", [1, 2], [3.0, 4])]).Chart"); // of one build
        (exitCode, _, errors) = Workspace.Finish(_workspace.Start(s_offline, "run", "both.ipynb", "--kernel", KernelTool.Option, "--out", "both"));
        Assert.True(exitCode == 0, errors);
        Assert.Contains("wb-chart", await File.ReadAllTextAsync(_workspace.PathOf("both", "both.ipynb"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);

        string program = TestBrowser.Require();
        await using Browser browser = await Browser.StartAsync(program, TestContext.Current.CancellationToken);
        Assert.Equal(3, await TestBrowser.LookAtAsync(browser, _workspace.PathOf("artifacts", "run", "site", "n.html"), 1000, dark: false));
    }

    [Fact]
    public void A_package_that_can_not_be_had_is_named_with_what_to_do()
    {
        KernelTool.Require();
        _workspace.Write("n", "#r \"nuget: PruningWorkbook.Notebook, 0.0.0-nowhere\"");
        (int exitCode, _, string errors) = Workspace.Finish(_workspace.Start(s_offline, "run", "n.ipynb", "--kernel", KernelTool.Option));
        Assert.Equal(1, exitCode);
        string line = Assert.Single(errors.Trim().Split('\n'));
        Assert.Contains("n.ipynb: code cell 1: PackageError: NU", line, StringComparison.Ordinal);
        Assert.Contains("#i \"nuget: …\"", line, StringComparison.Ordinal);
    }

    private string Pack()
    {
        string configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string feed = Directory.CreateDirectory(_workspace.PathOf("feed")).FullName;
        foreach (string project in s_projects)
        {
            string output = Dotnet("pack", Repository.PathOf("src", project), "--no-build", "-c", configuration, "-o", feed, $"-p:PackageVersion={_version}");
            Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
        }

        return feed;
    }

    /// <summary>
    /// As a first use with a network does. Whoever restores for a notebook's #r takes the SDK's FSharp.Core and the lowest versions, which no project here
    /// has in the cache.
    /// </summary>
    private void FillCache(string feed)
    {
        foreach (string kind in new[] { "fsproj", "csproj" }) // with the SDK's FSharp.Core, and with the lowest
        {
            string any = Path.Combine(Directory.CreateDirectory(_workspace.PathOf(kind)).FullName, $"any.{kind}");
            File.WriteAllText(any, $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <TargetFramework>net10.0</TargetFramework>
                    <RestoreAdditionalProjectSources>{feed}</RestoreAdditionalProjectSources>
                  </PropertyGroup>
                  <ItemGroup>
                    <PackageReference Include="PruningWorkbook.Notebook" Version="{_version}" />
                    <PackageReference Include="Plotly.NET.Interactive" Version="{_version}" />
                  </ItemGroup>
                </Project>
                """);
            Dotnet("restore", any);
        }
    }

    private static string Dotnet(params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1"; // a build server that stays would hold the pipes open
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        (int exitCode, string output, string errors) = Workspace.Finish(Process.Start(start)!);
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    // As it is published, but for the dependencies, of which a folder has other versions than the registry.
    private void PackPlotly(string feed)
    {
        string path = Path.Combine(feed, $"Plotly.NET.Interactive.{_version}.nupkg");
        File.Copy(Directory.GetFiles(Path.Combine(PackedWorkbook.Cache, "plotly.net.interactive", "6.0.0"), "*.nupkg").Single(), path);
        using ZipArchive package = ZipFile.Open(path, ZipArchiveMode.Update);
        package.GetEntry(".signature.p7s")?.Delete();
        ZipArchiveEntry about = package.Entries.Single(entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal));
        string name = about.FullName, text;
        using (StreamReader reader = new(about.Open()))
        {
            text = Regex.Replace(reader.ReadToEnd(), "<dependencies>.*</dependencies>", "", RegexOptions.Singleline)
                .Replace("<version>6.0.0<", $"<version>{_version}<", StringComparison.Ordinal);
        }

        about.Delete();
        using StreamWriter writer = new(package.CreateEntry(name).Open());
        writer.Write(text);
    }
}
