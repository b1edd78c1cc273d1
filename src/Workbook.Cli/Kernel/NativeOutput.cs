using System.Runtime.InteropServices;
using System.Text;

namespace Workbook.Cli.Kernel;

/// <summary>The process's file descriptors 1 and 2, to which native code and the runtime itself write.</summary>
internal sealed partial class NativeOutput(string endOfCell)
{
    private readonly byte[] _endOfCell = Encoding.UTF8.GetBytes(endOfCell);
    private readonly Stream[] _streams = [Console.OpenStandardOutput(), Console.OpenStandardError()];

    /// <summary>Writes out what native code has buffered, then a mark by which the runner knows that it has read all of this cell's text.</summary>
    public void EndCell()
    {
        if (OperatingSystem.IsWindows())
        {
            _ = FlushWindows(0);
        }
        else
        {
            _ = FlushUnix(0);
        }

        foreach (Stream stream in _streams)
        {
            try
            {
                stream.Write(_endOfCell);
                stream.Flush();
            }
            catch (IOException)
            {
                // The cell closed the descriptor; the runner does not wait for the mark for long.
            }
        }
    }

    /// <summary>Keeps a handle to this process: programs that a cell starts don't inherit it.</summary>
    public static void KeepFromChildren(nint handle)
    {
        const int setDescriptorFlags = 2, closeOnExec = 1;
        if (!OperatingSystem.IsWindows())
        {
            _ = SetDescriptorFlags((int)handle, setDescriptorFlags, closeOnExec);
        }
    }

    [LibraryImport("libc", EntryPoint = "fflush")]
    private static partial int FlushUnix(nint file);

    [LibraryImport("ucrtbase", EntryPoint = "fflush")]
    private static partial int FlushWindows(nint file);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int SetDescriptorFlags(int descriptor, int command, int flags);
}
