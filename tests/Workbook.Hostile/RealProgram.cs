using System.Diagnostics;

namespace Workbook.Hostile;

/// <summary>The real program, in a process of its own.</summary>
internal static class RealProgram
{
    private static readonly string s_path = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Workbook.Cli.exe" : "Workbook.Cli");

    public static Process Start(string folder, params string[] arguments)
    {
        ProcessStartInfo start = new(s_path, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("WORKBOOK_DATA");
        start.Environment.Remove("WORKBOOK_PROFILE");
        start.Environment["WORKBOOK_RUNS"] = Path.Combine(folder, "store");
        return Process.Start(start)!;
    }

    /// <summary>Lets it run to its end, or for so long.</summary>
    /// <returns>The exit code, null where it did not end and was killed; what it printed; the most memory it took, in bytes.</returns>
    public static (int? ExitCode, string Output, string Errors, long Peak) Finish(Process process, TimeSpan patience)
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            long peak = 0;
            Stopwatch watch = Stopwatch.StartNew();
            while (!process.WaitForExit(50))
            {
                peak = Math.Max(peak, PeakOf(process));
                if (watch.Elapsed > patience)
                {
                    process.Kill(entireProcessTree: true);
                    process.WaitForExit();
                    return (null, "", "", peak);
                }
            }

            Task.WaitAll([output, errors], TimeSpan.FromSeconds(5));
            return (process.ExitCode, output.IsCompleted ? output.Result : "", errors.IsCompleted ? errors.Result : "", peak);
        }
    }

    /// <summary>What still runs in a folder, as command lines; empty where the system does not say.</summary>
    public static string[] Left(string folder) => !Directory.Exists("/proc/self") ? [] : [.. Directory.EnumerateDirectories("/proc")
        .Where(path => int.TryParse(Path.GetFileName(path), out _) && WorkingFolder(path)?.StartsWith(folder, StringComparison.Ordinal) == true)
        .Select(path => File.ReadAllText(Path.Combine(path, "cmdline")).Replace('\0', ' '))];

    private static string? WorkingFolder(string process)
    {
        try
        {
            return File.ResolveLinkTarget(Path.Combine(process, "cwd"), returnFinalTarget: false)?.FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long PeakOf(Process process)
    {
        try
        {
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }
}
