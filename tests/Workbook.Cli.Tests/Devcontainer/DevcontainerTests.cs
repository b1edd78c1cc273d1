using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Engines;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Devcontainer;

public class DevcontainerTests
{
    private static readonly string[] s_properties =
        ["name", "image", "runArgs", "features", "remoteEnv", "hostRequirements", "onCreateCommand", "customizations"];

    private static JsonObject Configuration() => JsonNode.Parse(
        File.ReadAllText(Repository.PathOf(".devcontainer", "devcontainer.json")),
        documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip })!.AsObject();

    [Fact]
    public void It_has_the_shape_that_the_specification_gives_it()
    {
        JsonObject configuration = Configuration();

        // The workflow checks against the published schema; here what a typing error would break.
        Assert.Empty(configuration.Select(property => property.Key).Except(s_properties));
        Assert.All((string[])["name", "image", "onCreateCommand"], key => Assert.Equal(JsonValueKind.String, configuration[key]!.GetValueKind()));
        Assert.All(configuration["runArgs"]!.AsArray(), argument => Assert.Equal(JsonValueKind.String, argument!.GetValueKind()));
        Assert.All(configuration["features"]!.AsObject(), feature => Assert.Matches("^ghcr\\.io/[a-z/]+:[0-9]+$", feature.Key));
        Assert.All(configuration["remoteEnv"]!.AsObject(), variable => Assert.Equal(JsonValueKind.String, variable.Value!.GetValueKind()));
        Assert.Equal(JsonValueKind.Number, configuration["hostRequirements"]!["cpus"]!.GetValueKind());
        Assert.All((string[])["memory", "storage"], key => Assert.Matches("^[0-9]+([tgmk]b)?$", configuration["hostRequirements"]![key]!.ToString()));
        Assert.All(configuration["customizations"]!["vscode"]!["extensions"]!.AsArray(), id => Assert.Matches("^[a-z-]+\\.[a-z-]+$", id!.ToString()));
    }

    [Fact]
    public void It_brings_what_the_notebooks_need()
    {
        JsonObject configuration = Configuration();

        Assert.EndsWith("ubuntu-24.04", configuration["image"]!.ToString(), StringComparison.Ordinal);
        Assert.Contains("--platform=linux/amd64", configuration["runArgs"]!.AsArray().Select(argument => argument!.ToString()));
        Assert.Equal("10.0", configuration["features"]!["ghcr.io/devcontainers/features/dotnet:2"]!["version"]!.ToString());
        Assert.Superset(
            new HashSet<string> { "ms-dotnettools.dotnet-interactive-vscode", "ms-dotnettools.csharp", "ms-toolsai.jupyter" },
            configuration["customizations"]!["vscode"]!["extensions"]!.AsArray().Select(id => id!.ToString()).ToHashSet());
        Assert.Equal("sh .devcontainer/install.sh", configuration["onCreateCommand"]!.ToString());
    }

    [Fact]
    public void Its_creation_builds_restores_the_tools_registers_the_kernels_and_fetches_the_data()
    {
        using Workspace workspace = new();
        (int exitCode, string[] calls, _) = Create(workspace, dataExitCode: 0);

        Assert.Equal(0, exitCode);
        Assert.Equal(5, calls.Length);
        Assert.Equal(["build Workbook.sln", "tool restore"], calls[..2]);
        Assert.Equal($"tool update --global Microsoft.dotnet-interactive --version {InteractiveTool.Version}", calls[2]);
        Assert.Matches("^tool update --global ClrKernel --version [0-9.]+$", calls[3]);
        Assert.Equal("run --no-build --project src/Workbook.Cli -- data fetch", calls[4]);
        string home = Path.Combine(workspace.Folder, "home");
        Assert.All(
            ((string, string[])[])[(".net-csharp", ["dotnet-interactive", "jupyter", "--default-kernel", "csharp", "{connection_file}"]),
                ("clrkernel", ["clrkernel", "jupyter", "{connection_file}"])],
            kernel =>
            {
                JsonNode spec = JsonNode.Parse(File.ReadAllText(Path.Combine(home, ".local/share/jupyter/kernels", kernel.Item1, "kernel.json")))!;
                Assert.Equal([$"{home}/.dotnet/tools/{kernel.Item2[0]}", .. kernel.Item2[1..]], spec["argv"]!.AsArray()
                    .Select(argument => argument!.ToString()));
            });
    }

    [Fact]
    public void The_clones_tools_the_container_and_the_workflow_have_the_same_kernel()
    {
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(Repository.PathOf(".config", "dotnet-tools.json")))!;
        Assert.Equal(InteractiveTool.Version, manifest["tools"]!["microsoft.dotnet-interactive"]!["version"]!.ToString());
        Assert.Contains($"Microsoft.dotnet-interactive --version {InteractiveTool.Version}",
            File.ReadAllText(Repository.PathOf(".github", "workflows", "ci.yml")), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_data_and_a_font_the_container_is_made_all_the_same_and_says_how_to_get_them()
    {
        using Workspace workspace = new();
        (int exitCode, _, string errors) = Create(workspace, dataExitCode: 1);

        Assert.Equal(0, exitCode);
        Assert.Contains("data fetch", errors, StringComparison.Ordinal);
        Assert.Equal(File.Exists("/usr/bin/apt-get"), errors.Contains("install fonts-nanum", StringComparison.Ordinal));
    }

    [Fact]
    public void The_kernels_name_is_the_one_that_the_notebooks_ask_for() =>
        Assert.All(Directory.GetFiles(Repository.PathOf("notebooks"), "*.ipynb"), notebook =>
            Assert.Equal(".net-csharp", JsonNode.Parse(File.ReadAllText(notebook))!["metadata"]!["kernelspec"]!["name"]!.ToString()));

    // The script in a clean folder and home: in place of dotnet, which does all that needs a network, one that notes its calls;
    // no fonts, and no right to install any.
    private static (int ExitCode, string[] Calls, string Errors) Create(Workspace workspace, int dataExitCode)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the container's script runs on Linux");
        string clone = Directory.CreateDirectory(Path.Combine(workspace.Folder, "clone", ".devcontainer")).FullName;
        foreach (string script in Directory.GetFiles(Repository.PathOf(".devcontainer"), "*.sh"))
        {
            File.Copy(script, Path.Combine(clone, Path.GetFileName(script)));
        }

        string bin = Directory.CreateDirectory(Path.Combine(workspace.Folder, "bin")).FullName;
        string log = Path.Combine(workspace.Folder, "calls");
        Script("dotnet", $"echo \"$*\" >> '{log}'\n[ \"$1\" != run ] || exit {dataExitCode}");
        Script("sudo", "exit 1");
        Script("fc-list", "");

        ProcessStartInfo start = new("sh", [Path.Combine(clone, "install.sh")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workspace.Folder
        };
        start.Environment["HOME"] = Path.Combine(workspace.Folder, "home");
        start.Environment["PATH"] = $"{bin}:/usr/bin:/bin";
        start.Environment.Remove("XDG_DATA_HOME");
        start.Environment.Remove("JUPYTER_DATA_DIR");
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, File.ReadAllLines(log), errors);

        void Script(string name, string lines)
        {
            string path = Path.Combine(bin, name);
            File.WriteAllText(path, $"#!/bin/sh\n{lines}\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
    }
}
