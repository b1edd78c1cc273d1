using Workbook.Native;

namespace Workbook;

/// <summary>What is known of a data set on this machine.</summary>
/// <param name="Name">The name one asks for it by.</param>
/// <param name="Title">The name to show.</param>
/// <param name="Licence">The licence its makers gave it.</param>
/// <param name="Folder">Where its files are or would be; null for the built-in digits.</param>
/// <param name="Bytes">Bytes of its files here.</param>
/// <param name="DownloadBytes">Bytes to download where nothing is here.</param>
/// <param name="Present">Are all four files here?</param>
/// <param name="Verified">Do all four have the published content (SHA-256)?</param>
public sealed record DatasetStatus(
    string Name, string Title, string Licence, string? Folder, long Bytes, long DownloadBytes, bool Present, bool Verified);

/// <summary>
/// The data sets of the workbook: "mnist", "fashion-mnist" and the built-in "digits". Environment: WORKBOOK_DATASET
/// names one of them, WORKBOOK_DATA a folder to read from, WORKBOOK_CACHE the folder of everything that is kept, WORKBOOK_OFFLINE=1 forbids downloads
/// (<see cref="Unreachable"/> in its place says that one was tried in vain).
/// </summary>
public static class Datasets
{
    /// <summary>What WORKBOOK_OFFLINE holds where a caller has already tried the mirrors.</summary>
    public const string Unreachable = "unreachable";

    private static DatasetStore Store => new(
        Manifest.Embedded, CacheFolder, Offline, Patience.Asked, Patience.Trying);

    private static string? Offline => EnvironmentVariables.Find(EnvironmentVariables.Offline) switch
    {
        null or "0" or "false" => null,
        Unreachable => "could not be downloaded",
        _ => $"nothing is downloaded ({EnvironmentVariables.Offline})",
    };

    /// <summary>The one cache of all notebooks: a folder of the user, or WORKBOOK_CACHE.</summary>
    public static string CacheFolder => Path.Combine(Native.CacheRoot.Path, "data");

    /// <summary>
    /// Opens a data set: from <paramref name="directory"/> or WORKBOOK_DATA where one is named (used as it is: nothing
    /// is ever downloaded there), else from the cache, else downloaded to the cache. "auto" is MNIST, or in a named
    /// folder what it holds; with neither files nor network it is the built-in digits, after at most 5 seconds.
    /// </summary>
    /// <param name="dataset">"auto", "mnist", "fashion-mnist" or "digits"; WORKBOOK_DATASET, else "auto", where left out.</param>
    /// <param name="directory">A folder with the IDX files, plain or .gz, in itself or in a folder named as the data set.</param>
    /// <param name="report">Gets a line of text now and then while a download runs.</param>
    /// <exception cref="WorkbookException">Unknown name; files missing, damaged or not belonging together; no mirror answers.</exception>
    public static ImageSet Open(string? dataset = null, string? directory = null, Action<string>? report = null) =>
        Store.Open(dataset ?? EnvironmentVariables.Find(EnvironmentVariables.Dataset) ?? "auto", directory
            ?? EnvironmentVariables.Find(EnvironmentVariables.Data), report);

    /// <summary>
    /// Downloads what is missing or damaged of a data set, to the cache or to DIRECTORY/NAME. A broken download is
    /// resumed; contents are checked by SHA-256 before they get their names.
    /// </summary>
    /// <param name="name">"mnist" or "fashion-mnist".</param>
    /// <param name="directory">Where to, instead of the cache.</param>
    /// <param name="progress">Gets each file's progress, from a thread of the pool.</param>
    /// <param name="briefly">Gives up when no mirror answers for 5 seconds in all.</param>
    /// <param name="cancel">Ends the download; what has arrived stays for the next attempt.</param>
    /// <returns>The folder with the four files.</returns>
    /// <exception cref="WorkbookException">Unknown name, no mirror gives a file, or the folder can't be written.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was cancelled.</exception>
    public static string Fetch(
        string name, string? directory = null, IProgress<DownloadProgress>? progress = null, bool briefly = false, CancellationToken cancel = default) =>
        Store.Fetch(name, directory, progress, cancel, briefly);

    /// <summary>All data sets and what is here of them, in <paramref name="directory"/>, else WORKBOOK_DATA, else the cache.</summary>
    /// <param name="directory">A folder to look in, as for <see cref="Open"/>.</param>
    public static IReadOnlyList<DatasetStatus> List(string? directory = null) => Store.List(directory ?? EnvironmentVariables.Find(EnvironmentVariables.Data));
}
