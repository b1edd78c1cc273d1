using System.Text.Json;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The folder of one run: written under another name and renamed when complete; read only if every file has the
/// content that <c>SHA256SUMS</c> (as sha256sum writes and checks it) says.
/// </summary>
internal static class RunFolder
{
    private const string DocumentFile = "run.json";
    private const long LongestDocument = 1L << 28;

    /// <summary>Says what is being trained, so that a list of runs can.</summary>
    internal static void Begin(string folder, RunRecord record)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.Write(Path.Combine(folder, DocumentFile), Serialize(new RunDocument(record, default, 0, new Dictionary<string, Curve>(), [])));
    }

    /// <summary>Writes everything that the folder holds; it counts for nothing before it has its name.</summary>
    internal static void Fill(string folder, RunRecord record, RunResult result, double seconds)
    {
        SafeTensors.Write(Path.Combine(folder, Run.WeightsFile), result.Weights);
        result.Mask?.Save(Path.Combine(folder, Run.MaskFile));
        foreach ((long step, IReadOnlyDictionary<string, Tensor> weights) in result.Checkpoints)
        {
            SafeTensors.Write(Path.Combine(folder, Run.CheckpointFile(step)), weights);
        }

        RunDocument document = new(record, DateTimeOffset.UtcNow, seconds, result.Metrics, [.. result.Checkpoints.Keys.Order()]);
        AtomicFile.Write(Path.Combine(folder, DocumentFile), Serialize(document));
        CheckSums.Write(folder);
    }

    /// <summary>Reads a finished run, every file checked.</summary>
    /// <exception cref="WorkbookException">Something is missing, truncated, edited, or belongs to another record.</exception>
    internal static Run Read(string folder)
    {
        try
        {
            CheckSums.Check(folder);
            RunDocument document = Deserialize(folder);
            string[] expected = [Run.WeightsFile, .. document.Checkpoints.Select(Run.CheckpointFile)];
            return expected.FirstOrDefault(name => !File.Exists(Path.Combine(folder, name))) is { } missing
                ? throw new WorkbookException($"{missing} is missing")
                : document.Record.Hash != StoreFolder.HashOf(folder) ? throw new WorkbookException($"{DocumentFile} describes another run")
                : new Run(folder, document);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException or NotSupportedException
            or WorkbookException)
        {
            throw new WorkbookException($"run {folder} is damaged: {e.Message}", e);
        }
    }

    /// <summary>What an unfinished or damaged folder says it is; null if it can't be read.</summary>
    internal static RunRecord? RecordOf(string folder)
    {
        try
        {
            return Deserialize(folder).Record;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException or ArgumentException
            or WorkbookException)
        {
            return null;
        }
    }

    internal static long BytesOf(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles().Sum(f => f.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // renamed or deleted just now
        }
    }

    private static RunDocument Deserialize(string folder)
    {
        using FileStream stream = CheckSums.Open(Path.Combine(folder, DocumentFile));
        return (stream.Length <= LongestDocument ? JsonSerializer.Deserialize<RunDocument>(stream, RunRecord.Json) : null)
            ?? throw new JsonException($"{DocumentFile} is empty or longer than any run's");
    }

    private static byte[] Serialize(RunDocument document) => JsonSerializer.SerializeToUtf8Bytes(document, RunRecord.Json);
}
