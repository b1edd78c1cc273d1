namespace Workbook.Notebook;

/// <summary>How values look in the notebook that shows them.</summary>
public static class Formatters
{
    /// <summary>The value's bundle (MIME type → text, always with <c>text/plain</c>), or null for a type that is not known here.</summary>
    public static IReadOnlyDictionary<string, string>? TryFormat(object? value) => value switch
    {
        IShowable showable => InNotebook(showable),
        Plotly.NET.GenericChart chart => InNotebook(new Figure(chart, "")),
        _ => null,
    };

    /// <summary>
    /// A bundle as an output of this notebook: a chart without a caption gets the notebook's, and the first chart of a host that drops what
    /// imported files show brings plotly.js along.
    /// </summary>
    public static IReadOnlyDictionary<string, string> InNotebook(IShowable value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value is not Figure figure)
        {
            return value.ToBundle();
        }

        IReadOnlyDictionary<string, string> bundle = (figure.Caption is null ? figure.WithCaption(Lab.Context.Caption()) : figure).ToBundle();
        return PlotlyScript.Due() is { Length: > 0 } script ? bundle.ToDictionary(b => b.Key, b => b.Key == "text/html" ? script + b.Value : b.Value) : bundle;
    }
}

/// <summary>A bundle as a value, for hosts that format what they are given.</summary>
internal sealed class ShownBundle(IReadOnlyDictionary<string, string> bundle) : IShowable
{
    public IReadOnlyDictionary<string, string> ToBundle() => bundle;
}
