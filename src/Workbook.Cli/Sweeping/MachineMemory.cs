using System.Globalization;

namespace Workbook.Cli.Sweeping;

/// <summary>How much memory is to be had.</summary>
internal static class MachineMemory
{
    /// <summary>Bytes that processes can still take, in this container where it has a limit of its own.</summary>
    public static long Available()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
        long container = info.TotalAvailableMemoryBytes;
        const string system = "/proc/meminfo";
        if (!File.Exists(system))
        {
            return Math.Max(0, container - info.MemoryLoadBytes);
        }

        string? line = File.ReadLines(system).FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal));
        string[] words = line?.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length >= 2 && long.TryParse(words[1], CultureInfo.InvariantCulture, out long kilobytes) ? Math.Min(container, kilobytes * 1024)
            : container;
    }
}
