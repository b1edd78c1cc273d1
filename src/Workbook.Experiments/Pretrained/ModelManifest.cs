using System.Text.Json;

namespace Workbook;

/// <summary>A file of a published model.</summary>
/// <param name="Name">What it is called here.</param>
/// <param name="Entry">Which file of the package it is, or is in.</param>
/// <param name="Resource">Which resource of that assembly; null where the file itself is meant.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of its content, lower-case hex.</param>
internal sealed record PublishedFile(string Name, string Entry, string? Resource, long Bytes, string Sha256);

/// <summary>A model that others have trained, in a NuGet package.</summary>
internal sealed record ModelEntry(
    string Name, string Title, string Licence, string From, string Package, string Version, long Download, string Sha256, IReadOnlyList<PublishedFile> Files);

/// <summary>The models, as data/models.json describes them.</summary>
internal sealed record ModelManifest(IReadOnlyList<ModelEntry> Models)
{
    private static readonly Lazy<ModelManifest> Read = new(() =>
    {
        using Stream json = typeof(ModelManifest).Assembly.GetManifestResourceStream("models.json")!;
        return JsonSerializer.Deserialize<ModelManifest>(json, JsonSerializerOptions.Web)!;
    });

    /// <summary>The one inside the assembly.</summary>
    public static ModelManifest Embedded => Read.Value;

    /// <summary>The entry of that name.</summary>
    /// <exception cref="WorkbookException">There is none.</exception>
    public ModelEntry Find(string name) => Models.FirstOrDefault(m => m.Name == name)
        ?? throw new WorkbookException($"there is no model '{name}': choose one of {string.Join(", ", Models.Select(m => m.Name))}");
}
