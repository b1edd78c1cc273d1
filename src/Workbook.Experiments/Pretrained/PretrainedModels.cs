using System.Security.Cryptography;
using Workbook.Native;

namespace Workbook;

/// <summary>A model that others have trained, as it lies on this machine.</summary>
/// <param name="Name">The name one asks for it by.</param>
/// <param name="Title">The name to show.</param>
/// <param name="Weights">The file of its weights: ONNX or safetensors.</param>
/// <param name="Vocabulary">The file of its word pieces; null where it reads no text.</param>
/// <param name="Source">What was found where, one sentence.</param>
public sealed record PretrainedModel(string Name, string Title, string Weights, string? Vocabulary, string Source);

/// <summary>
/// Models that others have trained and packed: "minilm", the sentence encoder all-MiniLM-L6-v2; "resnet18", which turns an image into 512 features. Nothing is
/// downloaded but by <see cref="Fetch"/>.
/// </summary>
public static class PretrainedModels
{
    private const string Vocabulary = "vocab.txt";

    private static readonly string[] s_weights = ["model.onnx", "model.safetensors"];

    private static string CacheFolder => Path.Combine(CacheRoot.Path, "models");

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<string> Names => [.. ModelManifest.Embedded.Models.Select(m => m.Name)];

    /// <summary>
    /// Looks for a model in <paramref name="directory"/> or WORKBOOK_DATA, as DIR/models/NAME or DIR/NAME, then in the cache. A folder has <c>model.onnx</c> or
    /// <c>model.safetensors</c>, and <c>vocab.txt</c> of a model that reads text; one's own content is taken too, and the source says so.
    /// </summary>
    /// <param name="name">"minilm" or "resnet18".</param>
    /// <param name="directory">A folder of data.</param>
    /// <returns>Null where it is not here: <c>workbook data fetch NAME</c> brings it.</returns>
    /// <exception cref="WorkbookException">The name is unknown, or a file can't be read.</exception>
    public static PretrainedModel? Find(string name, string? directory = null)
    {
        ModelEntry entry = ModelManifest.Embedded.Find(name);
        return Places(entry, directory).Select(place => At(place, entry)).FirstOrDefault(found => found is not null);
    }

    /// <summary>
    /// Gets a model's NuGet package by <c>dotnet restore</c>, from the sources that are configured there, checks it and takes the model out of it; the package
    /// goes again.
    /// </summary>
    /// <param name="name">"minilm" or "resnet18".</param>
    /// <param name="directory">Where to, as DIR/models/NAME; the cache where left out.</param>
    /// <param name="report">Gets a line now and then.</param>
    /// <param name="cancel">Ends the download; nothing is left of it.</param>
    /// <returns>The folder with the model's files; untouched where they are there already.</returns>
    /// <exception cref="WorkbookException">
    /// The name is unknown, no source gives the package, its content is not the published one, or the folder can't be written.
    /// </exception>
    public static string Fetch(string name, string? directory = null, Action<string>? report = null, CancellationToken cancel = default)
    {
        ModelEntry entry = ModelManifest.Embedded.Find(name);
        string folder = directory is null ? Path.Combine(CacheFolder, name) : Path.Combine(directory, "models", name);
        CacheRoot.Check(folder);
        if (Holds(folder, entry))
        {
            return folder;
        }

        if (EnvironmentVariables.Find(EnvironmentVariables.Offline) is not (null or "0" or "false"))
        {
            throw new WorkbookException($"{entry.Title} is not in {folder} and {EnvironmentVariables.Offline} is set: unset it, or put the files there");
        }

        string temporary = Path.Combine(Path.GetDirectoryName(folder)!, $".{name}.{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(folder);
            Directory.CreateDirectory(temporary);
            report?.Invoke(FormattableString.Invariant(
                $"fetching {entry.Title}: package {entry.Package} {entry.Version}, {entry.Download / 1e6:F1} MB, by dotnet restore"));
            (string files, string package) = PackageRestore.Download(entry.Package, entry.Version, temporary, report, cancel);
            if (!IsPublished(package, entry.Download, entry.Sha256))
            {
                throw new WorkbookException($"the package {entry.Package} {entry.Version} that the source gave is not the published one (its size or SHA-256 "
                    + "differs): ask another source");
            }

            foreach (PublishedFile file in entry.Files)
            {
                Extract(Path.Combine(files, file.Entry), file, Path.Combine(folder, file.Name));
                report?.Invoke(FormattableString.Invariant($"{file.Name}: {file.Bytes / 1e6:F1} MB, verified"));
            }

            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"{folder} can't be written ({e.Message}): free some space there, or set {EnvironmentVariables.Cache} to another "
                + "folder", e);
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    }

    /// <summary>All models and what is here of them, as <see cref="Find"/> looks for them.</summary>
    /// <param name="directory">A folder of data.</param>
    public static IReadOnlyList<DatasetStatus> List(string? directory = null) => [.. ModelManifest.Embedded.Models.Select(entry =>
    {
        string folder = Places(entry, directory).FirstOrDefault(place => At(place, entry) is not null) ?? Path.Combine(CacheFolder, entry.Name);
        bool isHere = At(folder, entry) is not null;
        long bytes = isHere ? new DirectoryInfo(folder).EnumerateFiles().Sum(f => f.Length) : 0;
        return new DatasetStatus(entry.Name, entry.Title, entry.Licence, folder, bytes, entry.Download, isHere, isHere && Holds(folder, entry));
    })];

    private static IEnumerable<string> Places(ModelEntry entry, string? directory)
    {
        if ((directory ?? EnvironmentVariables.Find(EnvironmentVariables.Data)) is { } named)
        {
            yield return Path.Combine(named, "models", entry.Name);
            yield return Path.Combine(named, entry.Name);
        }

        yield return Path.Combine(CacheFolder, entry.Name);
    }

    private static PretrainedModel? At(string folder, ModelEntry entry)
    {
        string? vocabulary = entry.Files.Any(f => f.Name == Vocabulary) ? Path.Combine(folder, Vocabulary) : null;
        string? weights = s_weights.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (weights is null || (vocabulary is not null && !File.Exists(vocabulary)))
        {
            return null;
        }

        string content = Holds(folder, entry) ? "" : "; the content is not the published one";
        return new(entry.Name, entry.Title, weights, vocabulary, $"{entry.Title} from {folder}{content}");
    }

    private static bool Holds(string folder, ModelEntry entry) => entry.Files.All(f => IsPublished(Path.Combine(folder, f.Name), f.Bytes, f.Sha256));

    private static bool IsPublished(string path, long bytes, string sha256)
    {
        if (new FileInfo(path) is not { Exists: true } file || file.Length != bytes)
        {
            return false;
        }

        using FileStream stream = file.OpenRead();
        return Convert.ToHexStringLower(SHA256.HashData(stream)) == sha256;
    }

    private static void Extract(string from, PublishedFile file, string to)
    {
        AtomicFile.Write(to, stream =>
        {
            if (file.Resource is { } resource)
            {
                PackedResource.Copy(from, resource, stream);
            }
            else
            {
                using FileStream whole = File.OpenRead(from);
                whole.CopyTo(stream);
            }
        });
        if (!IsPublished(to, file.Bytes, file.Sha256))
        {
            File.Delete(to);
            throw new WorkbookException($"{file.Entry} of the package does not hold the published {file.Name} (its size or SHA-256 differs): fetch it again");
        }
    }
}
