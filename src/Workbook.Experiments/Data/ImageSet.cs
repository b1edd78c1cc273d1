using System.Security.Cryptography;

namespace Workbook;

/// <summary>A data set of images, split into training and test as published.</summary>
/// <param name="Name">The name one asks for it by: "mnist", "fashion-mnist", "digits".</param>
/// <param name="Title">The name to show, e.g. "Fashion-MNIST".</param>
/// <param name="Source">What was used and why, one sentence.</param>
/// <param name="Hash">
/// SHA-256 (lower-case hex) over the SHA-256 of the four parts: train images, train labels, test images, test labels
/// (uncompressed IDX files; for the built-in digits the bytes alone). It tells runs on different data apart.
/// </param>
/// <param name="Train">The training images.</param>
/// <param name="Test">The test images.</param>
public sealed record ImageSet(
    string Name, string Title, string Source, string Hash, LabelledImages Train, LabelledImages Test)
{
    internal static string HashOf(params byte[][] parts) =>
        Convert.ToHexStringLower(SHA256.HashData([.. parts.SelectMany(p => p)]));
}
