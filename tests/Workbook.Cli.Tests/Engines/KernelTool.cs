using Workbook.Cli.Engines;
using Workbook.Cli.Tests.Running;
using Workbook.Native;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>The real kernel for tests, and programs that are none.</summary>
internal static class KernelTool
{
    public const string Option = Engine.Interactive;

    /// <summary>Without the tool a test is skipped and says so.</summary>
    public static string Require()
    {
        string? found = InteractiveTool.Find();
        Assert.SkipWhen(found is null, $"no kernel dotnet-interactive on this machine: {InteractiveTool.Remedy}");
        return found!;
    }

    /// <summary>As <see cref="Require"/>, where it is the kernel that is meant.</summary>
    public static void RequireFor(string engine)
    {
        if (engine == Option)
        {
            Require();
        }
    }

    /// <summary>An environment in which the kernel is a shell script.</summary>
    public static IReadOnlyDictionary<string, string> Script(Workspace workspace, string text)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a shell script stands for the kernel");
        string path = workspace.WriteText(Path.Combine("bin", $"kernel-{Guid.NewGuid():N}"), "#!/bin/sh\n" + text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return new Dictionary<string, string> { [EnvironmentVariables.Interactive] = path };
    }
}
