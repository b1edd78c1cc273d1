using static TorchSharp.torch;

namespace Workbook;

/// <summary>Labels that libtorch would refuse in many lines, or not at all.</summary>
internal static class Labels
{
    /// <exception cref="WorkbookException">A label is no whole number, or no class of the model.</exception>
    internal static void Check(LabelledTensors data, long classes, string criterion)
    {
        if (data.Labels.dtype != ScalarType.Int64 || data.Labels.dim() != 1)
        {
            throw new WorkbookException($"{criterion} needs a label for each example, a class from 0 to {classes - 1} as Int64 [{data.Count}], "
                + $"not {data.Labels.dtype} [{string.Join(", ", data.Labels.shape)}]");
        }

        long least = data.Labels.min().item<long>(), most = data.Labels.max().item<long>();
        if (least < 0 || most >= classes)
        {
            throw new WorkbookException($"{criterion} needs a label for each example: {(least < 0 ? least : most)} is none of the model's classes, "
                + $"0 to {classes - 1}");
        }
    }
}
