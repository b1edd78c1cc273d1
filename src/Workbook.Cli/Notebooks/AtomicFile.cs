namespace Workbook.Cli.Notebooks;

/// <summary>Files that are there whole or not at all.</summary>
internal static class AtomicFile
{
    /// <exception cref="UsageException">The file can't be written.</exception>
    public static void Write(string path, byte[] content)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DeleteIfThere(temporary);
            throw new UsageException($"{path} can't be written: {e.Message}");
        }
    }

    private static void DeleteIfThere(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason why the file can't be written is the one to report.
        }
    }
}
