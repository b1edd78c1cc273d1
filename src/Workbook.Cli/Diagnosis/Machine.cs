using System.Diagnostics;
using System.Runtime.InteropServices;
using Workbook.Cli.Browsing;
using Workbook.Cli.Engines;
using Workbook.Native;

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
        if (OperatingSystem.IsLinux() && Output("fc-list", ":lang=ko") is { } fonts)
        {
            yield return Hangul(fonts);
        }

        yield return Kernel();
    }

    private static Finding System()
    {
        string text = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}";
        Architecture machine = RuntimeInformation.OSArchitecture;
        bool known = OperatingSystem.IsMacOS() ? machine == Architecture.Arm64 : machine == Architecture.X64;
        return known
            ? new(FindingState.Good, "system", text)
            : new(FindingState.Missing, "system", $"{text}: libtorch has no package for it",
                "Run it in a container for x64: docker run --platform=linux/amd64 mcr.microsoft.com/dotnet/sdk:10.0");
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
            string slow = OneDnn.IsOff ? "; its oneDNN is wrong on this machine and switched off: convolutions take two to three times as long" : "";
            return two.item<float>() == 2
                ? new(FindingState.Good, "libtorch", $"loads and computes{slow}")
                : new(FindingState.Missing, "libtorch", "computes wrongly: 1 + 1 is not 2", "Run the memory and CPU checks of this machine");
        }
#pragma warning disable CA1031 // Whatever keeps libtorch from loading is the finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Exception cause = e.GetBaseException() is WorkbookException inner ? inner : e;
            return new(FindingState.Missing, "libtorch", "does not load", cause.Message);
        }
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
        string? named = EnvironmentVariables.Find(EnvironmentVariables.Data);
        DatasetStatus[] here = named is null || Directory.Exists(named) ? [.. Datasets.List().Where(set => set is { Folder: not null, Present: true })] : [];
        if (here.Length > 0)
        {
            return new(FindingState.Good, "data",
                string.Join("; ", here.Select(set => $"{set.Title} in {set.Folder}{(set.Verified ? "" : " (not the published content)")}")));
        }

        return named is not null
            ? new(FindingState.Missing, "data", $"{EnvironmentVariables.Data} names {named}, which holds no data set",
                "Name a folder with MNIST's four files, or unset the variable")
            : new(FindingState.Optional, "data", $"none in {Datasets.CacheFolder}",
                $"A run downloads MNIST or, without a network, uses the built-in digits; --data DIR or {EnvironmentVariables.Data} names a folder that has it");
    }

    private static Finding Browser() => BrowserFinder.Find() is { } found
        ? new(FindingState.Good, "browser", found)
        : new(FindingState.Optional, "browser", "no Chromium, Chrome or Edge found",
            $"Only `workbook publish` needs one: install it, or name its program in {EnvironmentVariables.Browser}");

    private static Finding Hangul(string fonts) => fonts.Trim().Length > 0
        ? new(FindingState.Good, "font with Hangul", fonts.Trim().Split('\n')[0].Split(':').ElementAtOrDefault(1)?.Trim() ?? "")
        : new(FindingState.Optional, "font with Hangul", "none found",
            "Only the Korean pages and pictures of charts in Korean need one, and show boxes without: apt-get install fonts-nanum");

    private static Finding Kernel()
    {
        try
        {
            return new(FindingState.Good, "kernel dotnet-interactive", InteractiveTool.Require());
        }
        catch (WorkbookException e)
        {
            return new(FindingState.Optional, "kernel dotnet-interactive", "not found", $"Only --kernel dotnet-interactive needs it: {e.Message}");
        }
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
