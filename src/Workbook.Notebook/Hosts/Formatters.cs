namespace Workbook.Notebook;

/// <summary>How values look in the notebook that shows them.</summary>
public static class Formatters
{
    /// <summary>The value's bundle (MIME type → text, always with <c>text/plain</c>), or null for a type that is not known here.</summary>
    public static IReadOnlyDictionary<string, string>? TryFormat(object? value) => value switch
    {
        IShowable showable => showable.ToOutput(),
        Plotly.NET.GenericChart chart => new Figure(chart, "").ToOutput(),
        _ => null,
    };
}

/// <summary>A bundle as a value, for hosts that format what they are given.</summary>
internal sealed class ShownBundle(IReadOnlyDictionary<string, string> bundle) : IShowable
{
    public IReadOnlyDictionary<string, string> ToBundle() => bundle;
}
