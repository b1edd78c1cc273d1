using System.Text.Json;
using System.Text.RegularExpressions;

namespace Workbook;

/// <summary>One file of a published data set.</summary>
/// <param name="Name">File name without ".gz".</param>
/// <param name="Bytes">Size of the uncompressed content.</param>
/// <param name="Download">Size of the published .gz in bytes.</param>
/// <param name="Sha256">SHA-256 of the uncompressed content, lower-case hex: mirrors may compress differently.</param>
/// <param name="IsPlain">Whether it is published as it is, not as a .gz.</param>
internal sealed record ManifestFile(string Name, long Bytes, long Download, string Sha256, bool IsPlain = false)
{
    /// <summary>What mirrors call it.</summary>
    public string Published => IsPlain ? Name : Name + ".gz";
}

/// <summary>A published text: one file and where to get it.</summary>
internal sealed record TextEntry(string Name, string Title, string Licence, string From, IReadOnlyList<Uri> Mirrors, ManifestFile File);

/// <summary>A published data set: four files and where to get them.</summary>
internal sealed record ManifestEntry(
    string Name, string Title, string Licence, string From, IReadOnlyList<Uri> Mirrors,
    ManifestFile TrainImages, ManifestFile TrainLabels, ManifestFile TestImages, ManifestFile TestLabels, double Mean, double Deviation)
{
    public IReadOnlyList<ManifestFile> Files => [TrainImages, TrainLabels, TestImages, TestLabels];
}

/// <summary>The published data sets, as data/datasets.json describes them.</summary>
/// <exception cref="WorkbookException">A name would lead out of the folder that it is joined to.</exception>
internal sealed partial record Manifest(IReadOnlyList<ManifestEntry> Datasets, IReadOnlyList<TextEntry>? Texts = null)
{
    /// <summary>The data sets; names of folders and files are nothing but names.</summary>
    public IReadOnlyList<ManifestEntry> Datasets { get; } =
        Datasets.SelectMany(d => d.Files.Select(f => f.Name).Prepend(d.Name)).FirstOrDefault(name => !PlainName().IsMatch(name)) is { } bad
            ? throw new WorkbookException($"the list of data sets is damaged: '{bad}' is no plain name of a file or folder; install the library again")
            : Datasets;

    private static readonly Lazy<Manifest> Read = new(() =>
    {
        using Stream json = typeof(Manifest).Assembly.GetManifestResourceStream("datasets.json")!;
        return JsonSerializer.Deserialize<Manifest>(json, JsonSerializerOptions.Web)!;
    });

    /// <summary>The one inside Workbook.dll.</summary>
    public static Manifest Embedded => Read.Value;

    // Not Windows' devices either, which answer to "nul.gz" in any folder.
    [GeneratedRegex(@"\A(?!(con|prn|aux|nul|com.|lpt.)(\.|\z))[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();

    /// <summary>The entry of that name.</summary>
    /// <exception cref="WorkbookException">There is none.</exception>
    public ManifestEntry Find(string name) => Datasets.FirstOrDefault(d => d.Name == name)
        ?? throw new WorkbookException(
            $"there is no data set '{name}': choose one of {string.Join(", ", Datasets.Select(d => d.Name))}, digits, auto");
}
