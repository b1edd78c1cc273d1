using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>Jupyter with the real .NET kernel registered for it alone.</summary>
internal sealed class Jupyter(Workspace workspace)
{
    private static readonly string s_dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>Without one of its commands a test is skipped and says so.</summary>
    public static void Require(string command)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(command, "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
        }
        catch (Win32Exception)
        {
            Assert.Skip($"no {command} on this machine");
        }
    }

    /// <summary>Registers the kernel, as <c>dotnet interactive jupyter install</c> does, by the path of the tool's DLL.</summary>
    public void Register()
    {
        string tool = KernelTool.Require();
        string kernels = Directory.CreateDirectory(workspace.PathOf("jupyter", "kernels")).FullName;
        Workspace.Finish(Process.Start(Info(s_dotnet, tool, "jupyter", "install", "--path", kernels))!);
        string path = Path.Combine(kernels, ".net-csharp", "kernel.json");
        JsonObject spec = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        spec["argv"] = new JsonArray([.. new[] { s_dotnet, tool }.Concat(spec["argv"]!.AsArray().Skip(2).Select(word => word!.ToString()))
            .Select(word => (JsonNode)word)]);
        // As register-kernels.sh has it.
        spec["env"] = new JsonObject { ["MALLOC_ARENA_MAX"] = "1", ["DOTNET_TieredPGO"] = "0" };
        File.WriteAllText(path, spec.ToJsonString());
    }

    /// <summary>Runs a command to its end.</summary>
    public (int ExitCode, string Output, string Errors) Run(string command, params string[] arguments) =>
        Workspace.Finish(Process.Start(Info(command, arguments))!, minutes: 10);

    /// <summary>Starts the classic server on this machine alone, without a token.</summary>
    public (Process Server, Uri Address) Serve()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        Process server = Process.Start(Info(
            "jupyter-notebook", "--no-browser", "--ip=127.0.0.1", $"--port={port}", "--NotebookApp.token=", "--NotebookApp.password=", "--allow-root",
                $"--notebook-dir={workspace.Folder}"))!;
        server.OutputDataReceived += (_, _) => { };
        server.ErrorDataReceived += (_, _) => { };
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        return (server, new Uri($"http://127.0.0.1:{port}/"));
    }

    private ProcessStartInfo Info(string command, params string[] arguments)
    {
        ProcessStartInfo start = new(command, arguments) { WorkingDirectory = workspace.Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["JUPYTER_PATH"] = workspace.PathOf("jupyter");
        start.Environment["JUPYTER_CONFIG_DIR"] = workspace.PathOf("config");
        start.Environment["JUPYTER_RUNTIME_DIR"] = workspace.PathOf("runtime");
        start.Environment["WORKBOOK_DATASET"] = "digits";
        start.Environment["WORKBOOK_RUNS"] = workspace.PathOf("runs");
        start.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] = "1";
        return start;
    }
}
