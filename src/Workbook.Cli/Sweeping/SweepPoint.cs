using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Workbook.Cli.Outcome;
using Workbook.Cli.Running;

namespace Workbook.Cli.Sweeping;

/// <summary>One run of a notebook in a sweep: everything that its outcome depends on. Sweeps that have a point in common share it.</summary>
/// <param name="Notebook">The notebook's name, for readers.</param>
/// <param name="Code">The notebook's code, as a hash (<see cref="NotebookCode"/>).</param>
/// <param name="Parameters">Name → value as it was typed.</param>
/// <param name="Profile">How much the notebook computes.</param>
/// <param name="Dataset">What data it finds; null where it leaves no choice.</param>
/// <param name="Version">The library that computes it (<see cref="LibraryCode"/>).</param>
internal sealed record SweepPoint(string Notebook, string Code, IReadOnlyDictionary<string, string> Parameters, string Profile, PointData? Dataset,
    string Version)
{
    /// <summary>The first 20 hexadecimal digits of the SHA-256 of all but the notebook's name.</summary>
    [JsonIgnore]
    public string Hash { get; } = HashOf(JsonSerializer.Serialize(
        new object?[] { Code, new SortedDictionary<string, string>(Parameters.ToDictionary(), StringComparer.Ordinal), Profile, Dataset, Version }));

    /// <summary>E.g. <c>seed=3 sparsity=0.95</c>.</summary>
    public override string ToString() => Parameters.Count == 0 ? Notebook : string.Join(' ', Parameters.Select(p => $"{p.Key}={p.Value}"));

    public static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..20];
}

/// <summary>The data that a notebook finds: an outcome on the built-in digits is not one on MNIST.</summary>
/// <param name="Name">The data set's id.</param>
/// <param name="Content">The SHA-256 of what a named folder holds under that name, where that is not what was published.</param>
internal sealed record PointData(string Name, string? Content = null)
{
    /// <summary>E.g. <c>mnist</c>, or <c>mnist (not the published content, SHA-256 1a2b3c4d…)</c>.</summary>
    public override string ToString() => Content is null ? Name : $"{Name} (not the published content, SHA-256 {Content[..8]}…)";

    /// <summary>What <see cref="Datasets.Open"/> will find in a run with these options.</summary>
    /// <exception cref="WorkbookException">The folder's files are damaged.</exception>
    public static PointData Find(RunOptions options)
    {
        string asked = DataBeforehand.Asked(options);
        bool inFolder = options.DataFolder is not null; // used as it is; the cache's is mended where it is not the published content
        DatasetStatus? set = Datasets.List(options.DataFolder).FirstOrDefault(set => set.Folder is not null && (inFolder ? set.Present : set.Verified)
            && (asked == set.Name || (asked == "auto" && (inFolder || set.Name == "mnist"))));
        return set is null ? new(asked == "auto" ? "digits" : asked) : new(set.Name, set.Verified ? null : Datasets.Open(set.Name, options.DataFolder).Hash);
    }
}

/// <summary>What became of a point: the file <c>point.json</c>.</summary>
/// <param name="Seconds">Wall time of the notebook's process.</param>
/// <param name="ProcessorSeconds">Processor time of the notebook's process.</param>
/// <param name="PeakMemory">The most bytes that it held at once.</param>
/// <param name="Error">One line; null where the notebook ran to its end.</param>
internal sealed record PointOutcome(
    SweepPoint Point, DateTimeOffset Ended, double Seconds, double ProcessorSeconds, long PeakMemory, IReadOnlyList<MeasuredValue> Values, string? Error)
{
    private const string DocumentFile = "point.json";

    public void Write(string folder) => AtomicFile.Write(Path.Combine(folder, DocumentFile), JsonSerializer.SerializeToUtf8Bytes(this, RunRecord.Json));

    /// <exception cref="JsonException">The file is no outcome.</exception>
    public static PointOutcome Read(string folder)
    {
        using FileStream stream = CheckSums.Open(Path.Combine(folder, DocumentFile));
        return JsonSerializer.Deserialize<PointOutcome>(stream, RunRecord.Json) ?? throw new JsonException($"{DocumentFile} is empty");
    }
}
