using Workbook.Native;

namespace Workbook;

/// <summary>The folder of a run store: where it is, and that it is one.</summary>
internal static class StoreFolder
{
    /// <summary>The folder of the lock files, in a store's.</summary>
    internal const string LocksFolder = ".locks";

    private const string FormatFile = "store.json";
    private const string Format = """{ "format": 2 }""";

    /// <summary>What the variable names, else <c>artifacts/runs</c> in the nearest folder, from the current one upwards, that has <c>artifacts</c>.</summary>
    internal static string Default()
    {
        if (EnvironmentVariables.Find(EnvironmentVariables.Runs) is { } named)
        {
            return named;
        }

        const string Artifacts = "artifacts";
        DirectoryInfo? root = new(Environment.CurrentDirectory);
        while (root is not null && !Directory.Exists(Path.Combine(root.FullName, Artifacts)))
        {
            root = root.Parent;
        }

        return Path.Combine(root?.FullName ?? Environment.CurrentDirectory, Artifacts, "runs");
    }

    /// <exception cref="WorkbookException">The folder is a file, holds other things, is of another version, or can't be read.</exception>
    internal static void Check(string folder)
    {
        if (File.Exists(folder))
        {
            throw new WorkbookException($"the run store {folder} is a file: name a folder with {EnvironmentVariables.Runs}");
        }

        try
        {
            string path = Path.Combine(folder, FormatFile);
            if (Native.FileKind.Odd(path) is { } odd)
            {
                throw new WorkbookException($"{folder} is no run store, its {FormatFile} is {odd}: name another folder with {RunStore.Variable}");
            }

            if (File.Exists(path) ? File.ReadAllText(path).Trim() != Format
                : Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(entry => !Path.GetFileName(entry).StartsWith('.')))
            {
                throw new WorkbookException(File.Exists(path)
                    ? $"the run store {folder} is of another version ({FormatFile} is not {Format}): delete it, or name another folder "
                        + $"with {EnvironmentVariables.Runs}"
                    : $"{folder} holds other things than runs: name another folder with {EnvironmentVariables.Runs}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the run store {folder} can't be read ({e.Message}): name another folder with {EnvironmentVariables.Runs}", e);
        }
    }

    /// <summary>Makes it, where it is not there yet.</summary>
    internal static void Prepare(string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, FormatFile);
        if (!File.Exists(path))
        {
            AtomicFile.Write(path, System.Text.Encoding.UTF8.GetBytes(Format + "\n"));
        }
    }

    /// <summary>The right to work on what has this hash, or null if another process or thread has it.</summary>
    internal static FileLock? TryTake(string store, string hash) =>
        FileLock.TryTake(Path.Combine(Directory.CreateDirectory(Path.Combine(store, LocksFolder)).FullName, hash));

    /// <summary>Writes to a store; says one line where that can't be done.</summary>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    internal static void Writing(string store, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WorkbookException)
        {
            throw new WorkbookException($"the run store {store} can't be written ({e.Message}): make room or name another folder "
                + $"with {EnvironmentVariables.Runs}", e);
        }
    }

    /// <summary>The folders of the runs of a hash: <c>HASH</c>, <c>HASH-2</c>, …</summary>
    internal static IEnumerable<string> Of(string store, string hash)
    {
        string first = Path.Combine(store, hash);
        return !Directory.Exists(store) ? [] : (Directory.Exists(first) ? [first] : Enumerable.Empty<string>()).Concat(Lazily());

        // Reads the whole store: only where the first is not the one.
        IEnumerable<string> Lazily()
        {
            foreach (string folder in Directory.EnumerateDirectories(store, hash + "-*").Order(StringComparer.Ordinal))
            {
                yield return folder;
            }
        }
    }

    /// <summary>The hash of the run in a folder, finished or not.</summary>
    internal static string HashOf(string folder) => Path.GetFileName(folder).TrimStart('.').Split('.', '-')[0];

    /// <summary>The folders in which processes work, or died, at what has this hash: <c>.HASH.…</c>.</summary>
    internal static IEnumerable<string> Leftovers(string folder, string hash) => Directory.EnumerateDirectories(folder, $".{hash}.*");

    /// <summary>Deletes <c>HASH</c> or <c>.HASH.…</c>: one that is only partly deleted must not have a finished one's name.</summary>
    internal static void Delete(string folder)
    {
        string doomed = Path.Combine(Path.GetDirectoryName(folder)!, $".{Path.GetFileName(folder).Trim('.').Split('.')[0]}.{Guid.NewGuid():N}");
        Move(folder, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    /// <summary>Deletes a folder in which work has ended, if it is there still; where it can't be, whoever begins the same again does.</summary>
    internal static void DeleteQuietly(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What ended the work is the fault to tell.
        }
    }

    /// <summary>Renames a folder. On Windows somebody who looks into it just now, a virus scanner or a list of runs, is waited for: a finished training is not
    /// to be lost to that.</summary>
    internal static void Move(string from, string to)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                Directory.Move(from, to);
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && OperatingSystem.IsWindows() && attempt < 20)
            {
                Thread.Sleep(100);
            }
        }
    }
}
