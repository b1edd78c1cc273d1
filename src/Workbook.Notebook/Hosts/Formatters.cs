using Workbook.Notebook.Charts;

namespace Workbook.Notebook.Hosts;

/// <summary>How values look that a cell ends with.</summary>
public static class Formatters
{
    /// <summary>The value's bundle (MIME type → text, always with <c>text/plain</c>), or null for a type that is not known here.</summary>
    public static IReadOnlyDictionary<string, string>? TryFormat(object? value) => value switch
    {
        IShowable showable => showable.ToBundle(),
        Plotly.NET.GenericChart chart => new Figure(chart, "").ToBundle(),
        _ => null,
    };
}
