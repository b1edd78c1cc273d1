namespace Workbook;

/// <summary>Grey images with a class each.</summary>
/// <param name="Images">Pixels 0 (paper) to 255 (ink), [Count, Rows, Columns] row-major.</param>
/// <param name="Labels">Classes 0 to 9, [Count].</param>
/// <param name="Rows">Height of an image in pixels.</param>
/// <param name="Columns">Width of an image in pixels.</param>
public sealed record LabelledImages(byte[] Images, byte[] Labels, int Rows, int Columns)
{
    /// <summary>How many images there are.</summary>
    public int Count => Labels.Length;
}
