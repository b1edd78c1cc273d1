using System.Diagnostics;
using Xunit;

namespace Workbook.Tests;

/// <summary>Programs run where a folder is a small file system of its own.</summary>
internal static class FullDisk
{
    internal const string Needs = "needs Linux and the right to mount in a namespace of one's own (unshare)";

    internal static bool IsToBeHad(string folder) => OperatingSystem.IsLinux() && Run(folder, "size=1m", "true").ExitCode == 0;

    /// <summary>A script's end in a namespace where the folder is a file system of its own.</summary>
    internal static (int ExitCode, string Error) Run(string folder, string options, string script, ProcessStartInfo? child = null)
    {
        ProcessStartInfo start = new("unshare", ["-rm", "sh", "-c", $"mount -t tmpfs -o {options} none \"$1\" || exit 99\n{script}", "sh", folder,
            child?.FileName ?? ""])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach ((string name, string? value) in child?.Environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        try
        {
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, error);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (99, "");
        }
    }
}
