using System.Diagnostics;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class DoctorTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void The_doctor_says_what_is_there()
    {
        (int exitCode, string output, string errors) = _workspace.Run("doctor");
        Assert.True(exitCode == (output.Contains("missing ", StringComparison.Ordinal) ? 1 : 0), output + errors);
        foreach (string subject in new[] { "system: ", ".NET runtime: ", ".NET SDK: ", "libtorch: loads and computes", "processors: ", "memory: ", "disk: ",
            "data: ", "browser: ", "kernel dotnet-interactive: " })
        {
            Assert.Contains(subject, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Processes_that_start_at_once_with_an_empty_cache_all_load_libtorch()
    {
        Dictionary<string, string> emptyCache = new() { ["WORKBOOK_CACHE"] = _workspace.PathOf("cache") };
        Process[] processes = [.. Enumerable.Range(0, 4).Select(_ => _workspace.Start(emptyCache, "doctor"))];
        Assert.All(processes, process => Assert.Contains("libtorch: loads and computes", Workspace.Finish(process).Output, StringComparison.Ordinal));

        // Where the system needs no copy there is none; where it does there is one, and nothing half-written beside it.
        string copies = _workspace.PathOf("cache", "native");
        Assert.True(!Directory.Exists(copies) || Directory.GetFiles(copies, "*", SearchOption.AllDirectories).Length == 1);
    }
}
