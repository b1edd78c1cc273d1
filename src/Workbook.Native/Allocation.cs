using System.Runtime.InteropServices;

namespace Workbook.Native;

/// <summary>
/// glibc gives the memory of a large tensor back to the system when it is freed, and every page of the next one is cleared and mapped anew: half
/// of a small network's training and scoring. It keeps a gigabyte for the next tensor instead.
/// </summary>
internal static partial class Allocation
{
    private const int TrimThreshold = -1, TopPad = -2, MmapThreshold = -3;
    private static readonly string[] s_variables = ["GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"];

    /// <summary>Sets it, unless the environment does or the system's allocator is another one.</summary>
    internal static void KeepMemory()
    {
        if (!OperatingSystem.IsLinux() || Array.Exists(s_variables, name => EnvironmentVariables.Find(name) is not null))
        {
            return;
        }

        try
        {
            _ = MallOpt(MmapThreshold, 1 << 30);
            _ = MallOpt(TrimThreshold, 1 << 30);
            _ = MallOpt(TopPad, 64 << 20); // the parts of threads' heaps too, which are given back as they become empty
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // musl has no such setting.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
