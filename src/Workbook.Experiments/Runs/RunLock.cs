namespace Workbook;

/// <summary>
/// The right to work on one run: an open file that nobody else can open. The system closes it with its process, however
/// that ends, so that nobody waits for the dead. The file itself, empty, stays: who deletes it can't know who has just opened it.
/// </summary>
internal sealed class RunLock : IDisposable
{
    /// <summary>The folder of the lock files, in the store's.</summary>
    internal const string FolderName = ".locks";

    private const int LinuxWouldBlock = 11, MacWouldBlock = 35, WindowsSharingViolation = unchecked((int)0x80070020);
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>The lock, or null if another process or thread has it.</summary>
    internal static RunLock? TryTake(string store, string hash)
    {
        try
        {
            string folder = Directory.CreateDirectory(Path.Combine(store, FolderName)).FullName;
            return new(new FileStream(Path.Combine(folder, hash), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.None));
        }
        catch (IOException e) when (e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();
}
