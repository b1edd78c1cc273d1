using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Grey images with a class each.</summary>
/// <param name="Images">Pixels 0 (paper) to 255 (ink), [Count, Rows, Columns] row-major.</param>
/// <param name="Labels">Classes 0 to 9, [Count].</param>
/// <param name="Rows">Height of an image in pixels.</param>
/// <param name="Columns">Width of an image in pixels.</param>
public sealed record LabelledImages(byte[] Images, byte[] Labels, int Rows, int Columns)
{
    /// <summary>The mean by which pixels are standardized, as a share of 255; MNIST's unless set.</summary>
    public double Mean { get; init; } = 0.1307;

    /// <summary>The deviation, likewise.</summary>
    public double Deviation { get; init; } = 0.3081;

    /// <summary>How many images there are.</summary>
    public int Count => Labels.Length;
}

/// <summary>Images and labels as tensors, ready to train on.</summary>
public sealed class LabelledTensors : IDisposable
{
    private readonly Lazy<string> _hash;

    /// <param name="inputs">[count, …], of the dtype that the model takes.</param>
    /// <param name="labels">Int64 [count]; [count, places] of a model that answers with [batch, classes, places].</param>
    /// <exception cref="WorkbookException">The counts differ.</exception>
    public LabelledTensors(Tensor inputs, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        if (inputs.shape[0] != labels.shape[0])
        {
            throw new WorkbookException($"there are {inputs.shape[0]} inputs but {labels.shape[0]} labels");
        }

        (Inputs, Labels) = (inputs.DetachFromDisposeScope(), labels.DetachFromDisposeScope());
        _hash = new(() => ContentHash.Of([KeyValuePair.Create("inputs", Inputs), KeyValuePair.Create("labels", Labels)]));
    }

    /// <summary>What the examples are, for people: e.g. the data set's title.</summary>
    public string Name { get; init; } = "examples";

    /// <summary>SHA-256 over both tensors (lower-case hex): tells runs on different data apart.</summary>
    public string Hash => _hash.Value;

    /// <summary>[count, …], of the dtype that the model takes.</summary>
    public Tensor Inputs { get; }

    /// <summary>Int64 [count], or [count, places].</summary>
    public Tensor Labels { get; }

    /// <summary>How many examples.</summary>
    public long Count => Labels.shape[0];

    /// <summary>Grey images as standardized floats: (pixel / 255 − mean) / deviation.</summary>
    /// <param name="images">The images, pixels from 0 to 255.</param>
    /// <param name="mean">The images' own, if left out: MNIST's is 0.1307, Fashion-MNIST's 0.2860.</param>
    /// <param name="deviation">The images' own, if left out: 0.3081 and 0.3530.</param>
    /// <param name="name">What they are, for people: e.g. the data set's title.</param>
    /// <returns>Inputs [count, 1, rows, columns].</returns>
    public static LabelledTensors FromImages(LabelledImages images, double? mean = null, double? deviation = null, string name = "examples")
    {
        ArgumentNullException.ThrowIfNull(images);
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = tensor(images.Images).reshape(images.Count, 1, images.Rows, images.Columns).to(ScalarType.Float32);
        using Scalar white = 255, centre = mean ?? images.Mean, spread = deviation ?? images.Deviation;
        return new(inputs.div_(white).sub_(centre).div_(spread), tensor(images.Labels).to(ScalarType.Int64)) { Name = name };
    }

    /// <summary>A run of examples, as views of the same memory.</summary>
    /// <param name="start">The first, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="WorkbookException">There are not that many.</exception>
    public LabelledTensors Slice(long start, long count) => start >= 0 && count >= 0 && start + count <= Count
        ? new(Inputs.narrow(0, start, count), Labels.narrow(0, start, count)) { Name = Name }
        : throw new WorkbookException($"examples {start} to {start + count} were asked for; there are {Count}");

    /// <summary>Refuses examples with NaN or infinity.</summary>
    internal void RequireFinite()
    {
        using DisposeScope scope = NewDisposeScope();
        if (Inputs.isfinite().reshape(Count, -1).all(1).logical_not().nonzero() is { } bad && bad.numel() > 0)
        {
            throw new WorkbookException($"example {bad[0].item<long>()} of {Name} holds NaN or infinity: mend the data, or leave it out");
        }
    }

    /// <summary>E.g. <c>MNIST, 20000 × [1, 28, 28]</c>.</summary>
    public override string ToString() => $"{Name}, {Count} × [{string.Join(", ", Inputs.shape.Skip(1))}]";

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Labels.Dispose();
    }
}
