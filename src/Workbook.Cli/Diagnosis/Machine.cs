using System.Diagnostics;
using System.Runtime.InteropServices;
using Workbook.Data;

namespace Workbook.Cli.Diagnosis;

/// <summary>Looks at what the workbook needs of a machine.</summary>
internal static class Machine
{
    private const long NeededDisk = 3_000_000_000;
    private const long NeededMemory = 3_000_000_000;

    public static IEnumerable<Finding> Examine()
    {
        yield return System();
        yield return Runtime();
        yield return Sdk();
        yield return Libtorch();
        yield return Cores();
        yield return Memory();
        yield return Disk();
        yield return Data();
        yield return Browser();
    }

    private static Finding System()
    {
        string text = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}";
        Architecture machine = RuntimeInformation.OSArchitecture;
        bool known = OperatingSystem.IsMacOS() ? machine == Architecture.Arm64 : machine == Architecture.X64;
        return known
            ? new(FindingState.Good, "system", text)
            : new(FindingState.Missing, "system", $"{text}: libtorch has no package for it", "Run it in a container for x64: docker run --platform=linux/amd64 mcr.microsoft.com/dotnet/sdk:10.0");
    }

    private static Finding Runtime() => new(FindingState.Good, ".NET runtime", Environment.Version.ToString());

    private static Finding Sdk()
    {
        const string remedy = "Install the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0";
        string[] versions = [.. (Output(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "--list-sdks") ?? "")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];
        return versions.Any(version => version.StartsWith("10.", StringComparison.Ordinal))
            ? new(FindingState.Good, ".NET SDK", string.Join(", ", versions))
            : new(FindingState.Missing, ".NET SDK", versions.Length == 0 ? "not found" : $"{string.Join(", ", versions)}; version 10 is needed", remedy);
    }

    private static Finding Libtorch()
    {
        try
        {
            Native.Libtorch.Load();
            using TorchSharp.torch.Tensor two = TorchSharp.torch.ones(2).sum();
            return two.item<float>() == 2
                ? new(FindingState.Good, "libtorch", $"loads and computes{CppRuntime()}")
                : new(FindingState.Missing, "libtorch", "computes wrongly: 1 + 1 is not 2", "Run the memory and CPU checks of this machine");
        }
#pragma warning disable CA1031 // Whatever keeps libtorch from loading is the finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Exception cause = e.GetBaseException() is WorkbookException inner ? inner : e;
            return new(FindingState.Missing, "libtorch", $"does not load{CppRuntime()}", cause.Message);
        }
    }

    /// <summary>The newest version that the system's C++ runtime defines, where libtorch depends on it.</summary>
    private static string CppRuntime()
    {
        const string prefix = "GLIBCXX_3.4.";
        string[] folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib"];
        string? library = OperatingSystem.IsLinux() ? folders.Select(folder => Path.Combine(folder, "libstdc++.so.6")).FirstOrDefault(File.Exists) : null;
        if (library is null)
        {
            return "";
        }

        string text = global::System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(library));
        int newest = 0;
        for (int at = 0; (at = text.IndexOf(prefix, at, StringComparison.Ordinal)) >= 0;)
        {
            at += prefix.Length;
            int end = at;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
            {
                end++;
            }

            _ = int.TryParse(text[at..end], out int version);
            newest = Math.Max(newest, version);
        }

        return $" (libstdc++ has up to {prefix}{newest})";
    }

    private static Finding Cores() => new(FindingState.Good, "processors", Environment.ProcessorCount.ToString());

    private static Finding Memory()
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        string text = $"{available / 1e9:0.0} GB";
        return available >= NeededMemory
            ? new(FindingState.Good, "memory", text)
            : new(FindingState.Missing, "memory", text, $"Give the machine or container {NeededMemory / 1e9:0} GB");
    }

    private static Finding Disk()
    {
        DriveInfo drive = new(Environment.CurrentDirectory);
        string text = $"{drive.AvailableFreeSpace / 1e9:0.0} GB free in {Environment.CurrentDirectory}";
        return drive.AvailableFreeSpace >= NeededDisk
            ? new(FindingState.Good, "disk", text)
            : new(FindingState.Missing, "disk", text, $"Free {NeededDisk / 1e9:0} GB: libtorch and a build need them");
    }

    private static Finding Data()
    {
        const string remedy = "The workbook then downloads MNIST or, without a network, runs on its built-in digits; `--data DIR` or WORKBOOK_DATA names a folder that has it";
        string? folder = Environment.GetEnvironmentVariable("WORKBOOK_DATA");
        if (!string.IsNullOrEmpty(folder) && !Directory.Exists(folder))
        {
            return new(FindingState.Missing, "data", $"WORKBOOK_DATA names {folder}, which is not a folder", "Name a folder, or unset the variable");
        }

        DatasetStatus[] all = [.. Datasets.List().Where(status => status.Folder is not null)];
        string[] here = [.. all.Where(status => status.Present).Select(status => $"{status.Title} in {status.Folder}{(status.Verified ? "" : " (damaged)")}")];
        if (here.Length == 0)
        {
            return new(FindingState.Optional, "data", $"no MNIST in {(string.IsNullOrEmpty(folder) ? Datasets.CacheFolder : folder)}", remedy);
        }

        return all.Any(status => status is { Present: true, Verified: false })
            ? new(FindingState.Missing, "data", string.Join("; ", here), "Delete the damaged files: the next run fetches them again")
            : new(FindingState.Good, "data", string.Join("; ", here));
    }

    private static Finding Browser()
    {
        if (!OperatingSystem.IsLinux())
        {
            return new(FindingState.Good, "browser", "the system's");
        }

        string[] names = ["xdg-open", "firefox", "chromium", "google-chrome"];
        string? found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        return found is not null
            ? new(FindingState.Good, "browser", found)
            : new(FindingState.Optional, "browser", "none found", "Only needed to read the report: copy report.html to a machine that has one");
    }

    private static string? Output(string program, string argument)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            return process.StandardOutput.ReadToEnd();
        }
        catch (global::System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
