namespace Workbook.Notebook;

/// <summary>Shows what a model holds and costs.</summary>
public static class CountTable
{
    /// <summary>A row for each layer and one for all, which names the layers whose multiply-accumulates are not in it; kilobytes are 1,000 bytes.</summary>
    /// <param name="count">The counted model.</param>
    /// <param name="title">What the table shows.</param>
    public static Table ToTable(this ModelCount count, string title = "")
    {
        ArgumentNullException.ThrowIfNull(count);
        Table table = new(title, "layer", "kind", new("parameters", "N0"), new("non-zero", "N0"), new("MACs", "N0"), new("effective MACs", "N0"),
            new("dense (kB)", "N1"), new("compressed (kB)", "N1"));
        foreach (LayerCount l in count.Layers)
        {
            table.Add(l.Name, l.Kind, l.Parameters, l.NonZeros, l.Macs, l.EffectiveMacs, l.DenseBytes / 1e3, l.CompressedBytes / 1e3);
        }

        string all = count.Uncounted.Count == 0 ? "all" : $"all (MACs not counted: {string.Join(", ", count.Uncounted)})";
        return table.Add(all, "", count.Parameters, count.NonZeros, count.Macs, count.EffectiveMacs, count.DenseBytes / 1e3, count.CompressedBytes / 1e3);
    }
}
