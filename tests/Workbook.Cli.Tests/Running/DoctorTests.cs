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
        foreach (string subject in new[] { "system: ", ".NET runtime: ", ".NET SDK: ", "libtorch: loads and computes", "processors: ", "memory: ", "disk: ", "data: ", "browser: " })
        {
            Assert.Contains(subject, output, StringComparison.Ordinal);
        }
    }
}
