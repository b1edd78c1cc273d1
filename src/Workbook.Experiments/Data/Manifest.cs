using System.Text.Json;

namespace Workbook;

/// <summary>One file of a published data set.</summary>
/// <param name="Name">File name without ".gz".</param>
/// <param name="Bytes">Size of the uncompressed content.</param>
/// <param name="Download">Size of the published .gz in bytes.</param>
/// <param name="Sha256">SHA-256 of the uncompressed content, lower-case hex: mirrors may compress differently.</param>
internal sealed record ManifestFile(string Name, long Bytes, long Download, string Sha256);

/// <summary>A published data set: four files and where to get them.</summary>
internal sealed record ManifestEntry(
    string Name, string Title, string Licence, string From, IReadOnlyList<Uri> Mirrors,
    ManifestFile TrainImages, ManifestFile TrainLabels, ManifestFile TestImages, ManifestFile TestLabels)
{
    public IReadOnlyList<ManifestFile> Files => [TrainImages, TrainLabels, TestImages, TestLabels];
}

/// <summary>The published data sets, as data/datasets.json describes them.</summary>
internal sealed record Manifest(IReadOnlyList<ManifestEntry> Datasets)
{
    private static readonly Lazy<Manifest> Read = new(() =>
    {
        using Stream json = typeof(Manifest).Assembly.GetManifestResourceStream("datasets.json")!;
        return JsonSerializer.Deserialize<Manifest>(json, JsonSerializerOptions.Web)!;
    });

    /// <summary>The one inside Workbook.dll.</summary>
    public static Manifest Embedded => Read.Value;

    /// <summary>The entry of that name.</summary>
    /// <exception cref="WorkbookException">There is none.</exception>
    public ManifestEntry Find(string name) => Datasets.FirstOrDefault(d => d.Name == name)
        ?? throw new WorkbookException(
            $"there is no data set '{name}': choose one of {string.Join(", ", Datasets.Select(d => d.Name))}, digits, auto");
}
