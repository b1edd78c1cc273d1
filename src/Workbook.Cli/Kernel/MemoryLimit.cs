using System.Globalization;
using System.Runtime.InteropServices;
using Workbook.Native;

namespace Workbook.Cli.Kernel;

/// <summary>The most memory that a notebook's process may have, where its runner says so.</summary>
internal static partial class MemoryLimit
{
    private const int DataSegment = 2;

    private static readonly string[] s_texts = ["can't allocate memory", "bad_alloc", "Out of memory", "OutOfMemoryException"];

    /// <summary>
    /// Linux: memory that can be written, managed and native alike, ends there, and the cell that asks for more fails, before the
    /// machine runs out and the system kills whom it likes. Elsewhere nothing limits native memory.
    /// </summary>
    public static void Apply()
    {
        if (OperatingSystem.IsLinux() && ulong.TryParse(EnvironmentVariables.Find(EnvironmentVariables.Memory), CultureInfo.InvariantCulture, out ulong bytes))
        {
            Limit limit = new(bytes, bytes);
            _ = SetLimit(DataSegment, in limit);
        }
    }

    /// <summary>Whether a cell failed because it got no more memory: .NET's exception, libtorch's allocator, or the C++ library.</summary>
    public static bool IsReached(CellError error) =>
        error.Name.EndsWith("OutOfMemoryException", StringComparison.Ordinal)
        || s_texts.Any(text => error.Message.Contains(text, StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    private readonly record struct Limit(ulong Soft, ulong Hard);
}
