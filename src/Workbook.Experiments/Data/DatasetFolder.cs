namespace Workbook;

/// <summary>
/// A folder that has, or should have, the four files of a data set, each NAME.gz or NAME: as published, with a dot before
/// <c>idx</c> as in the archives' own names, or each in a folder of its name as Kaggle packs them.
/// </summary>
internal sealed class DatasetFolder(string path, ManifestEntry entry)
{
    /// <summary>The folder.</summary>
    public string Path => path;

    /// <summary>The files that aren't there, by name.</summary>
    public IReadOnlyList<string> Missing => [.. entry.Files.Where(f => Find(f) is null).Select(f => f.Name + ".gz")];

    /// <summary>Where the file is; null where it isn't.</summary>
    public string? Find(ManifestFile file)
    {
        string[] names = [file.Name, file.Name.Replace("-idx", ".idx", StringComparison.Ordinal)];
        return names.SelectMany(name => (string[])[name + ".gz", name, System.IO.Path.Combine(name, name), System.IO.Path.Combine(name, name + ".gz")])
            .Select(name => System.IO.Path.Combine(path, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Is the file there, with the published content?</summary>
    public bool Holds(ManifestFile file) => Find(file) is { } found && Idx.IsContent(found, file);

    /// <summary>What lies there instead and why it is of no use; empty where nobody knows.</summary>
    public string Hint()
    {
        string[] there = !Directory.Exists(path) ? []
            : [.. Directory.EnumerateFiles(path).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        string? Like(params string[] ends) => there.FirstOrDefault(name => ends.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase)));
        return Like(".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar") is { } archive ? $"; unpack {archive} there first"
            : Like(".csv", ".parquet", ".npz", ".mat", ".pt", ".pkl", ".arff") is { } other ? $"; {other} there is of another format, which is not read"
            : there.FirstOrDefault(name => ((string[])["ubyte", "idx"]).Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase))) is { } odd
                && entry.Files.All(f => Find(f) is not { } found || System.IO.Path.GetFileName(found) != odd) ? $"; {odd} there may have to be renamed" : "";
    }

    /// <summary>Reads the four files, which are there.</summary>
    /// <returns>The images without a source, and the SHA-256 of each file in the manifest's order.</returns>
    /// <exception cref="WorkbookException">A file is damaged, or they don't belong together.</exception>
    public (ImageSet Set, string[] Hashes) Load()
    {
        (LabelledImages train, byte[][] trainHashes) = Pair(entry.TrainImages, entry.TrainLabels);
        (LabelledImages test, byte[][] testHashes) = Pair(entry.TestImages, entry.TestLabels);
        if ((train.Rows, train.Columns) != (test.Rows, test.Columns))
        {
            throw new WorkbookException(
                $"{path}: training images are {train.Rows}×{train.Columns}, test images {test.Rows}×{test.Columns}: the files don't belong together");
        }

        byte[][] hashes = [.. trainHashes, .. testHashes];
        return (new ImageSet(entry.Name, entry.Title, "", ImageSet.HashOf(hashes), train, test),
            [.. hashes.Select(Convert.ToHexStringLower)]);
    }

    private (LabelledImages, byte[][] Hashes) Pair(ManifestFile images, ManifestFile labels)
    {
        string imagesPath = Find(images)!, labelsPath = Find(labels)!;
        IdxFile pixels = Idx.ReadImages(imagesPath), classes = Idx.ReadLabels(labelsPath);
        return pixels.Dimensions[0] == classes.Dimensions[0]
            ? (new LabelledImages(pixels.Data, classes.Data, pixels.Dimensions[1], pixels.Dimensions[2]) { Mean = entry.Mean, Deviation = entry.Deviation },
                [pixels.Hash, classes.Hash])
            : throw new WorkbookException(
                $"{imagesPath} has {pixels.Dimensions[0]:N0} images, {labelsPath} {classes.Dimensions[0]:N0} labels: the files don't belong together");
    }
}
