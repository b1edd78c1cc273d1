using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Workbook.Cli.Kernel;

/// <summary>
/// A process with all that it has started. Linux: also with what has cut itself loose (<c>setsid</c>, a parent that ended): an engine's process and the
/// runner adopt whoever has lost a parent. Elsewhere only what still has its parents is found, and on macOS what is in the process's group.
/// </summary>
internal static partial class ProcessTree
{
    private const int Kill = 9, Stop = 19;
    private const int Rounds = 100;

    private static readonly double s_tick = OperatingSystem.IsLinux() ? 1.0 / TicksPerSecond() : 0;

    /// <summary>From now on this process becomes the parent of what its descendants leave behind.</summary>
    public static void Adopt()
    {
        const int setChildSubreaper = 36;
        if (OperatingSystem.IsLinux())
        {
            _ = Control(setChildSubreaper, 1, 0, 0, 0);
        }
    }

    /// <summary>From now on this process leads a session of its own: a terminal's signals don't reach what it starts, its group can be ended as one.</summary>
    public static void BeginSession()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetSession();
        }
    }

    /// <summary>Processor time of a process and of all that it has started, in seconds; elsewhere than on Linux its own.</summary>
    public static double Seconds(Process root)
    {
        if (OperatingSystem.IsLinux())
        {
            List<Entry> all = All();
            return Descendants(all, root.Id).Concat(all.Where(p => p.Id == root.Id)).Sum(p => p.Ticks) * s_tick;
        }

        root.Refresh();
        return root.HasExited ? 0 : root.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Ends what a process has started, and where it is wanted the process.</summary>
    public static void End(int root, bool withRoot)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // Stopped first: who runs could start others while these are ended. They stay in the tree, which the root holds together.
        HashSet<int> stopped = [];
        if (withRoot)
        {
            _ = Signal(root, Stop);
        }

        for (int round = 0, found = -1; round < Rounds && found != stopped.Count; round++)
        {
            found = stopped.Count;
            foreach (Entry entry in Descendants(All(), root).Where(p => p.State != 'Z' && stopped.Add(p.Id)))
            {
                _ = Signal(entry.Id, Stop);
            }
        }

        foreach (int id in stopped)
        {
            _ = Signal(id, Kill);
        }

        if (withRoot)
        {
            _ = Signal(root, Kill);
        }
    }

    /// <summary>Ends what an engine's process that has ended has left behind.</summary>
    /// <param name="engine">That process's id.</param>
    /// <param name="living">Those of engines that go on.</param>
    public static void EndOrphans(int engine, IReadOnlyCollection<int> living)
    {
        if (OperatingSystem.IsMacOS())
        {
            _ = Signal(-engine, Kill); // its group
        }

        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // This process's own children are of its session; what it has adopted is of an engine's, or has begun another.
        for (int round = 0; round < Rounds; round++)
        {
            List<Entry> all = All();
            int session = all.FirstOrDefault(p => p.Id == Environment.ProcessId).Session;
            Entry[] orphans = [.. all.Where(p => p.Parent == Environment.ProcessId && p.Session != session && p.Id != engine && !living.Contains(p.Id))];
            if (orphans.Length == 0)
            {
                return;
            }

            foreach (Entry orphan in orphans)
            {
                End(orphan.Id, withRoot: true);
                _ = Wait(orphan.Id, out _, options: 1);
            }

            Thread.Sleep(1);
        }
    }

    private static IEnumerable<Entry> Descendants(List<Entry> all, int root)
    {
        ILookup<int, Entry> children = all.ToLookup(p => p.Parent);
        Queue<int> open = new([root]);
        while (open.TryDequeue(out int parent))
        {
            foreach (Entry child in children[parent])
            {
                open.Enqueue(child.Id);
                yield return child;
            }
        }
    }

    private static List<Entry> All()
    {
        List<Entry> all = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && Read(id) is { } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    private static Entry? Read(int id)
    {
        try
        {
            string text = File.ReadAllText($"/proc/{id}/stat");
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' '); // its name may hold anything
            long Number(int field) => long.Parse(fields[field - 3], CultureInfo.InvariantCulture);
            return new(id, (int)Number(4), (int)Number(6), fields[0][0], Number(14) + Number(15) + Number(16) + Number(17));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentOutOfRangeException)
        {
            return null; // it has just ended
        }
    }

    private static long TicksPerSecond()
    {
        const int clockTicks = 2;
        return Math.Max(1, SystemConfiguration(clockTicks));
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int id, int signal);

    [LibraryImport("libc", EntryPoint = "waitpid")]
    private static partial int Wait(int id, out int status, int options);

    [LibraryImport("libc", EntryPoint = "sysconf")]
    private static partial nint SystemConfiguration(int name);

    private readonly record struct Entry(int Id, int Parent, int Session, char State, long Ticks);
}
