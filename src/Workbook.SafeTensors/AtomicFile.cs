namespace Workbook;

/// <summary>Files that are there whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>As the other overload, with bytes that are there already.</summary>
    internal static void Write(string path, byte[] content) => Write(path, stream => stream.Write(content));

    /// <summary>Writes to a temporary file in the same folder, then renames it; an earlier file is replaced at once.</summary>
    /// <exception cref="WorkbookException">The file can't be written; an earlier one is as it was.</exception>
    internal static void Write(string path, Action<Stream> write)
    {
        string? temporary = null;
        try
        {
            string full = Path.GetFullPath(path);
            string folder = Path.GetDirectoryName(full) ?? full;
            if (Directory.Exists(full))
            {
                throw new WorkbookException($"can't write {path}: it is a folder; give the name of a file in it");
            }

            if (!Directory.Exists(folder))
            {
                throw new WorkbookException($"can't write {path}: there is no folder {folder}; make it first");
            }

            temporary = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);

                // A rename can reach the disk before the bytes do: after a power cut the name must not stand for nothing.
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
            temporary = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WorkbookException($"can't write {path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        finally
        {
            Discard(temporary);
        }
    }

    private static void Discard(string? temporary)
    {
        try
        {
            if (temporary is not null)
            {
                File.Delete(temporary);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What made the writing fail is the fault to tell.
        }
    }
}
