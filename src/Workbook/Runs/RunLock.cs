namespace Workbook.Runs;

/// <summary>
/// The right to work on one run: an open file that nobody else can open. The system closes it with its process, however
/// that ends, so that nobody waits for the dead.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private const int LinuxWouldBlock = 11, MacWouldBlock = 35, WindowsSharingViolation = unchecked((int)0x80070020);
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>The lock, or null if another process or thread has it.</summary>
    internal static RunLock? TryTake(string store, string hash)
    {
        try
        {
            return new(new FileStream(Path.Combine(store, $".{hash}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.None));
        }
        catch (IOException e) when (e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
    }

    /// <summary>
    /// Takes the file away. Only when the run is finished: who has opened it meanwhile gets a lock that excludes nobody,
    /// which does no harm once the run is there.
    /// </summary>
    internal void DeleteFile()
    {
        try
        {
            File.Delete(_file.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Windows keeps an open file: it is small, and taken again when the run is asked for again.
        }
    }

    public void Dispose() => _file.Dispose();
}
