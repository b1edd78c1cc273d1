using Workbook.Native;

namespace Workbook;

/// <summary>Files that are there whole or not at all.</summary>
internal static class AtomicFile
{
    private const UnixFileMode AnyWrite = UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MostLinks = 40; // as Linux
    private const int LongestPrefix = 40; // a name is at most 255 bytes long, and a character up to 4

    /// <summary>As the other overload, with bytes that are there already.</summary>
    internal static void Write(string path, byte[] content) => Write(path, stream => stream.Write(content));

    /// <summary>
    /// Writes to a temporary file in the same folder, then renames it: an earlier file is replaced at once, and keeps its
    /// mode. A link stays one, and what it leads to is written.
    /// </summary>
    /// <exception cref="WorkbookException">
    /// The file can't be written, is write-protected, or is none but a folder, a pipe or a device; an earlier one is as it was.
    /// </exception>
    internal static void Write(string path, Action<Stream> write)
    {
        string? temporary = null;
        try
        {
            string full = Path.GetFullPath(path);
            FileKind.RequireFile(full, "write");
            full = new FileInfo(full).LinkTarget is null ? full : Final(full);
            string folder = Path.GetDirectoryName(full)!;
            if (!Directory.Exists(folder))
            {
                throw new WorkbookException($"can't write {path}: there is no folder {folder}; make it first");
            }

            UnixFileMode? mode = OperatingSystem.IsWindows() || !File.Exists(full) ? null : File.GetUnixFileMode(full);
            if (mode is { } earlier && (earlier & AnyWrite) == 0)
            {
                throw new WorkbookException($"can't write {path}: it is write-protected; allow writing (chmod u+w), or give another name");
            }

            string prefix = $".{Path.GetFileName(full)[..Math.Min(Path.GetFileName(full).Length, LongestPrefix)]}.";
            DiscardLeft(folder, prefix);
            temporary = Path.Combine(folder, $"{prefix}{Guid.NewGuid():N}.tmp");
            using (FileStream stream = Create(temporary, mode))
            {
                write(stream);

                // A rename can reach the disk before the bytes do: after a power cut the name must not stand for nothing.
                stream.Flush(flushToDisk: true);

                // From its closing to its renaming the file is nobody's, but new: see DiscardLeft.
                File.SetLastWriteTimeUtc(stream.SafeFileHandle, DateTime.UtcNow);
            }

            File.Move(temporary, full, overwrite: true);
            temporary = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WorkbookException($"can't write {path}: {e.Message}", e);
        }
        finally
        {
            Discard(temporary);
        }
    }

    /// <summary>
    /// Where a path leads once all links are followed; the last part need not be there. Part by part, as the system does it:
    /// what follows a link counts from where that leads, <c>..</c> too.
    /// </summary>
    internal static string Final(string path)
    {
        string full = Path.GetFullPath(path), reached = Path.GetPathRoot(full)!;
        Stack<string> ahead = new();
        Push(full[reached.Length..]);
        for (int links = 0; ahead.TryPop(out string? part);)
        {
            string next = part switch { "." => reached, ".." => Path.GetDirectoryName(reached) ?? reached, _ => Path.Combine(reached, part) };
            if (part is "." or ".." || new FileInfo(next).LinkTarget is not { } target)
            {
                reached = next;
                continue;
            }

            if (++links > MostLinks)
            {
                throw new IOException("too many links, perhaps in a circle");
            }

            string root = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : "";
            reached = root.Length > 0 ? root : reached;
            Push(target[root.Length..]);
        }

        return reached;

        void Push(string parts)
        {
            foreach (string part in parts.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                ahead.Push(part);
            }
        }
    }

    /// <summary>Nobody may read in the new file what the earlier one hides, not even while it is written.</summary>
    private static FileStream Create(string path, UnixFileMode? mode)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (mode is null || OperatingSystem.IsWindows())
        {
            return new(path, options);
        }

        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        FileStream stream = new(path, options);
        try
        {
            File.SetUnixFileMode(stream.SafeFileHandle, mode.Value);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Deletes what writers of the same file left when they were killed: whoever still writes holds his file locked.</summary>
    private static void DiscardLeft(string folder, string prefix)
    {
        // Not the newest: between making a file and locking it there is a moment, and one between closing and renaming it.
        foreach (FileInfo left in new DirectoryInfo(folder).EnumerateFiles("*.tmp", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = true })
            .Where(f => f.Name.StartsWith(prefix, StringComparison.Ordinal) && f.Name.Length == prefix.Length + 36
                && FileKind.Odd(f.FullName) is null && DateTime.UtcNow - f.LastWriteTimeUtc > TimeSpan.FromSeconds(1)))
        {
            try
            {
                left.Open(FileMode.Open, FileAccess.Write, FileShare.None).Dispose();
                left.Delete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Somebody is at it, or it may not be deleted: no reason not to write.
            }
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
