using System.Diagnostics;
using Workbook.Native;

namespace Workbook;

/// <summary>Finds data sets in a named folder or the cache, and fetches them to the cache.</summary>
/// <param name="manifest">The published data sets.</param>
/// <param name="cache">The folder with a folder for each data set.</param>
/// <param name="offline">Why nothing is downloaded, e.g. "could not be downloaded"; null where mirrors are to be tried.</param>
/// <param name="asked">Patience when the data set was asked for.</param>
/// <param name="trying">Patience when the built-in digits will do.</param>
internal sealed class DatasetStore(Manifest manifest, string cache, string? offline, Patience asked, Patience trying)
{
    /// <inheritdoc cref="Datasets.Open"/>
    public ImageSet Open(string dataset, string? directory, Action<string>? report)
    {
        if (dataset == "digits")
        {
            return Digits.Generate();
        }

        bool any = dataset == "auto";
        ManifestEntry entry = any ? manifest.Datasets[0] : manifest.Find(dataset);
        if (directory is not null)
        {
            return OpenNamed(directory, any ? manifest.Datasets : [entry]);
        }

        try
        {
            return OpenCached(entry, any ? trying : asked, report);
        }
        catch (WorkbookException e) when (any)
        {
            report?.Invoke(e.Message);
            string why = offline ?? (e.InnerException is null ? "could not be downloaded" : "the cache could not be used");
            return Digits.Generate(source: $"built-in digits, drawn by code, because {entry.Title} is not in the cache and {why}");
        }
    }

    private ImageSet OpenCached(ManifestEntry entry, Patience patience, Action<string>? report)
    {
        Native.CacheRoot.Check(cache);
        var folder = new DatasetFolder(Path.Combine(cache, entry.Name), entry);
        if (folder.Missing.Count == 0)
        {
            try
            {
                (ImageSet set, string[] hashes) = folder.Load();
                if (hashes.SequenceEqual(entry.Files.Select(f => f.Sha256)))
                {
                    return set with { Source = $"{entry.Title} from the cache" };
                }
            }
            catch (WorkbookException e)
            {
                report?.Invoke(e.Message);
            }
        }

        if (offline is not null)
        {
            throw new WorkbookException(
                $"{entry.Title} is not in the cache ({folder.Path}) and {EnvironmentVariables.Offline} is set: unset it, or name a folder that has the "
                    + $"files (--data DIR)");
        }

        report?.Invoke(FormattableString.Invariant($"downloading {entry.Title} ({entry.Files.Sum(f => f.Download) / 1e6:0.0} MB)"));
        Fetch(entry, folder.Path, patience, report is null ? null : new DownloadLines(report), CancellationToken.None);
        return folder.Load().Set with { Source = $"{entry.Title}, downloaded" };
    }

    private ImageSet OpenNamed(string directory, IReadOnlyList<ManifestEntry> wanted)
    {
        if (!Directory.Exists(directory))
        {
            throw new WorkbookException(File.Exists(directory)
                ? $"{directory} is a file: name the folder that holds the data"
                : $"there is no folder {directory}: name the one that holds the data");
        }

        List<DatasetFolder> places = [.. wanted.SelectMany(w => OwnPlaces(directory, w)), .. CommonPlaces(directory, wanted[0])];
        DatasetFolder? place = places.Find(p => p.Missing.Count == 0);
        if (place is null)
        {
            DatasetFolder nearest = places.MinBy(p => (p.Missing.Count, p.Path == directory ? 0 : 1))!;
            throw new WorkbookException(
                $"{nearest.Path} lacks {string.Join(", ", nearest.Missing)}: put them there (plain or .gz), or leave --data "
                    + $"and {EnvironmentVariables.Data} out to download{nearest.Hint()}");
        }

        (ImageSet set, string[] hashes) = place.Load();
        ManifestEntry? match = manifest.Datasets.FirstOrDefault(d => hashes.SequenceEqual(d.Files.Select(f => f.Sha256)));
        if (match is null)
        {
            return set with { Source = $"{set.Title} files from the folder that was named; their content is not the published one" };
        }

        return wanted.Contains(match)
            ? set with { Name = match.Name, Title = match.Title, Source = $"{match.Title} from the folder that was named" }
            : throw new WorkbookException($"{place.Path} holds {match.Title}, not {wanted[0].Title}: name another folder, or ask for {match.Name}");
    }

    /// <summary>Where in a named folder one data set alone lies: under its name, or as torchvision lays it out, MNIST/raw and FashionMNIST/raw.</summary>
    private static DatasetFolder[] OwnPlaces(string directory, ManifestEntry entry) =>
    [
        new(Path.Combine(directory, entry.Name), entry),
        new(Path.Combine(directory, entry.Title.Replace("-", "", StringComparison.Ordinal), "raw"), entry),
    ];

    /// <summary>Where any may lie.</summary>
    private static DatasetFolder[] CommonPlaces(string directory, ManifestEntry entry) => [new(directory, entry), new(Path.Combine(directory, "raw"), entry)];

    /// <summary>Fetches what is missing or damaged. Returns the folder.</summary>
    public string Fetch(string name, string? directory, IProgress<DownloadProgress>? progress, CancellationToken cancel, bool briefly = false)
    {
        ManifestEntry entry = manifest.Find(name);
        return Fetch(entry, Path.Combine(directory ?? cache, entry.Name), briefly ? trying : asked, progress, cancel);
    }

    private static string Fetch(
        ManifestEntry entry, string path, Patience patience, IProgress<DownloadProgress>? progress, CancellationToken cancel) =>
        Fetch(entry.Mirrors, () => entry.Files.Where(f => !new DatasetFolder(path, entry).Holds(f)), path, patience, progress, cancel);

    /// <summary>Fetches files to a folder, each as mirrors call it.</summary>
    /// <returns>The folder.</returns>
    internal static string Fetch(IReadOnlyList<Uri> mirrors, Func<IEnumerable<ManifestFile>> missing, string path, Patience patience,
        IProgress<DownloadProgress>? progress, CancellationToken cancel) =>
        // On the pool: a notebook host's synchronization context must not be waited for from inside itself.
        Task.Run(() => FetchAsync(mirrors, missing, path, patience, progress, cancel), cancel).GetAwaiter().GetResult();

    private static async Task<string> FetchAsync(IReadOnlyList<Uri> mirrors, Func<IEnumerable<ManifestFile>> missing, string path, Patience patience,
        IProgress<DownloadProgress>? progress, CancellationToken cancel)
    {
        Native.CacheRoot.Check(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException(
                $"the folder {path} can't be made ({e.Message}): set {EnvironmentVariables.Cache} to one that can", e);
        }

        (FileLock held, TimeSpan waited) = await LockAsync(path, patience.Lost, cancel);
        using (held)
        {
            var downloader = new Downloader(mirrors, patience with { Lost = patience.Lost - waited }, progress, cancel);
            foreach (ManifestFile file in missing())
            {
                await downloader.FetchAsync(file, Path.Combine(path, file.Published));
            }
        }

        return path;
    }

    /// <summary>
    /// One download into a folder at a time, over all processes: the others wait as long as it gets on, then find
    /// the files. The empty lock file stays, since deleting it would let two in.
    /// </summary>
    private static async Task<(FileLock Lock, TimeSpan Waited)> LockAsync(string path, TimeSpan longest, CancellationToken cancel)
    {
        string file = Path.Combine(path, ".lock");
        Stopwatch waited = Stopwatch.StartNew();
        try
        {
            for (long seen = 0; ; await Task.Delay(50, cancel))
            {
                if (FileLock.TryTake(file) is { } held)
                {
                    return (held, waited.Elapsed);
                }

                long size = new DirectoryInfo(path).EnumerateFiles().Sum(f => f.Exists ? f.Length : 0);
                if (size != seen)
                {
                    seen = size;
                    waited.Restart();
                }
                else if (waited.Elapsed >= longest)
                {
                    throw new WorkbookException($"{file} is held by another process that gets no further: end that process, or "
                        + $"set {EnvironmentVariables.Cache} to another folder");
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"{file} can't be written ({e.Message}): set {EnvironmentVariables.Cache} to another folder", e);
        }
    }

    /// <summary>What is where.</summary>
    public IReadOnlyList<DatasetStatus> List(string? directory) =>
    [
        .. manifest.Datasets.Select(d => Status(d, directory)),
        new("digits", "built-in digits", "MIT", null, 0, 0, Present: true, Verified: true),
    ];

    private DatasetStatus Status(ManifestEntry entry, string? directory)
    {
        var folder = new DatasetFolder(Path.Combine(directory ?? cache, entry.Name), entry);
        if (directory is not null && folder.Missing.Count > 0)
        {
            folder = OwnPlaces(directory, entry).FirstOrDefault(p => p.Missing.Count == 0)
                ?? CommonPlaces(directory, entry).FirstOrDefault(p => p.Missing.Count == 0 && p.Holds(entry.TestLabels)) ?? folder;
        }

        return new DatasetStatus(
            entry.Name, entry.Title, entry.Licence, folder.Path,
            entry.Files.Sum(f => folder.Find(f) is { } found ? new FileInfo(found).Length : 0),
            entry.Files.Sum(f => f.Download),
            folder.Missing.Count == 0,
            entry.Files.All(folder.Holds));
    }
}
