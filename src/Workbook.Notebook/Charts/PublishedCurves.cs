using System.Globalization;
using System.Reflection;

namespace Workbook.Notebook;

/// <summary>Curves of papers, to stand beside ours: the CSV files of <c>data/reference</c>, which name their sources.</summary>
public static class PublishedCurves
{
    /// <summary>Ends the name of a published curve.</summary>
    internal const string Mark = " (published)";

    private const string Suffix = ".csv";

    /// <summary>The curves of a figure.</summary>
    /// <param name="name">The file's name without <c>.csv</c>, for example <c>evci2022-signal-propagation</c>.</param>
    /// <returns>A series of one value a point for each curve, named for example <c>Lottery (published)</c>; it is drawn thin, in the colour of
    /// <c>Lottery</c>.</returns>
    /// <exception cref="WorkbookException">There is no such file.</exception>
    public static IReadOnlyList<Series> Read(string name)
    {
        Assembly here = typeof(PublishedCurves).Assembly;
        IEnumerable<string> names = here.GetManifestResourceNames().Where(n => n.EndsWith(Suffix, StringComparison.Ordinal)).Select(n => n[..^Suffix.Length]);
        using Stream stream = here.GetManifestResourceStream(name + Suffix) ?? throw new WorkbookException(
            $"there is no published figure '{name}'; there are {string.Join(", ", names.Order(StringComparer.Ordinal))}");
        using StreamReader reader = new(stream);
        IEnumerable<string[]> points = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Skip(1)
            .Select(line => line.Split(','));
        return [.. points.GroupBy(p => p[0]).Select(curve =>
            new Series(curve.Key + Mark, [.. curve.Select(p => Number(p[1]))], [[.. curve.Select(p => Number(p[2]))]]))];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
