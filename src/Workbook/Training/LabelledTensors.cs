using TorchSharp;
using Workbook.Data;
using static TorchSharp.torch;

namespace Workbook.Training;

/// <summary>Images and labels as tensors, ready to train on.</summary>
public sealed class LabelledTensors : IDisposable
{
    /// <param name="inputs">Float32 [count, …].</param>
    /// <param name="labels">Int64 [count].</param>
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
    }

    /// <summary>Float32 [count, …].</summary>
    public Tensor Inputs { get; }

    /// <summary>Int64 [count].</summary>
    public Tensor Labels { get; }

    /// <summary>How many examples.</summary>
    public long Count => Labels.shape[0];

    /// <summary>Grey images as standardized floats: (pixel / 255 − mean) / deviation.</summary>
    /// <param name="images">The images, pixels from 0 to 255.</param>
    /// <param name="mean">MNIST's is 0.1307.</param>
    /// <param name="deviation">MNIST's is 0.3081.</param>
    /// <returns>Inputs [count, 1, rows, columns].</returns>
    public static LabelledTensors FromImages(LabelledImages images, double mean = 0.1307, double deviation = 0.3081)
    {
        ArgumentNullException.ThrowIfNull(images);
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = tensor(images.Images).reshape(images.Count, 1, images.Rows, images.Columns).to(ScalarType.Float32);
        return new(inputs.div_(255).sub_(mean).div_(deviation), tensor(images.Labels).to(ScalarType.Int64));
    }

    /// <summary>A run of examples, as views of the same memory.</summary>
    /// <param name="start">The first, from 0.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="WorkbookException">There are not that many.</exception>
    public LabelledTensors Slice(long start, long count) => start >= 0 && count >= 0 && start + count <= Count
        ? new(Inputs.narrow(0, start, count), Labels.narrow(0, start, count))
        : throw new WorkbookException($"examples {start} to {start + count} were asked for; there are {Count}");

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Labels.Dispose();
    }
}
