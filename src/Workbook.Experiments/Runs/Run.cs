using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a training gives to be kept.</summary>
public sealed class RunResult
{
    /// <summary>Name → number over steps.</summary>
    public IReadOnlyDictionary<string, Curve> Metrics { get; init; } = new Dictionary<string, Curve>();

    /// <summary>The weights and buffers at the end, as <c>state_dict</c> gives them.</summary>
    public required IReadOnlyDictionary<string, Tensor> Weights { get; init; }

    /// <summary>The mask at the end; null where nothing is pruned.</summary>
    public Mask? Mask { get; init; }

    /// <summary>Step → the weights and buffers after it.</summary>
    public IReadOnlyDictionary<long, IReadOnlyDictionary<string, Tensor>> Checkpoints { get; init; } =
        new Dictionary<long, IReadOnlyDictionary<string, Tensor>>();
}

/// <summary>A finished training, as the store keeps it: one folder with plain files.</summary>
public sealed class Run : TrainingLog
{
    internal const string WeightsFile = "weights.safetensors";
    internal const string MaskFile = "mask.safetensors";

    internal Run(string folder, RunDocument document) => (Folder, Document) = (folder, document);

    /// <summary>What was trained.</summary>
    public RunRecord Record => Document.Record;

    /// <summary>Its folder: <c>run.json</c>, <c>weights.safetensors</c>, where there is a mask <c>mask.safetensors</c>, and <c>SHA256SUMS</c>.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, Curve> Metrics => Document.Metrics;

    /// <summary>When it ended.</summary>
    public DateTimeOffset Finished => Document.Finished;

    /// <summary>How long it took, in seconds.</summary>
    public double Seconds => Document.Seconds;

    /// <inheritdoc/>
    public override IReadOnlyList<long> Checkpoints => Document.Checkpoints;

    internal RunDocument Document { get; }

    /// <inheritdoc/>
    public override void LoadInto(nn.Module model, long? checkpoint = null) => model.LoadSafeTensors(Path.Combine(Folder, FileOf(checkpoint)));

    /// <summary>The weights and buffers at the end, or after one of the <see cref="Checkpoints"/>; the caller disposes them.</summary>
    /// <exception cref="WorkbookException">That step is not kept.</exception>
    public IReadOnlyDictionary<string, Tensor> LoadWeights(long? checkpoint = null)
    {
        using SafeTensorsFile file = SafeTensors.Read(Path.Combine(Folder, FileOf(checkpoint)));
        return file.Names.ToDictionary(name => name, file.Load);
    }

    /// <inheritdoc/>
    public override Mask? LoadMask() => File.Exists(Path.Combine(Folder, MaskFile)) ? Mask.Load(Path.Combine(Folder, MaskFile)) : null;

    internal static string CheckpointFile(long step) => FormattableString.Invariant($"step-{step}.safetensors");

    private string FileOf(long? checkpoint) => checkpoint is not { } step ? WeightsFile
        : Checkpoints.Contains(step) ? CheckpointFile(step)
        : throw new WorkbookException($"run {Record.Hash} keeps no weights of step {step}; it "
            + $"keeps {(Checkpoints.Count == 0 ? "the last step only" : string.Join(", ", Checkpoints))}");
}

/// <summary>The file <c>run.json</c>.</summary>
internal sealed record RunDocument(RunRecord Record, DateTimeOffset Finished, double Seconds, IReadOnlyDictionary<string, Curve> Metrics,
    IReadOnlyList<long> Checkpoints);
