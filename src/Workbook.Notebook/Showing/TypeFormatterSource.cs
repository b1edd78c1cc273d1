namespace Workbook.Notebook;

/// <summary>
/// .NET Interactive matches this attribute by its name and asks the named source how a cell's trailing value looks.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType, params string[] preferredMimeTypes) : Attribute
{
    public Type FormatterSourceType { get; } = formatterSourceType;

    public string[] PreferredMimeTypes { get; } = preferredMimeTypes;
}

/// <summary>Formats an <see cref="IShowable"/> from its bundle; public members and their names are .NET Interactive's convention.</summary>
/// <param name="more">The types of its bundle beside HTML and plain text.</param>
internal class BundleFormatterSource(params string[] more)
{
    public BundleFormatterSource()
        : this([])
    {
    }

    public IEnumerable<object> CreateTypeFormatters() =>
        [new BundleFormatter("text/html"), new BundleFormatter("text/plain"), .. more.Select(type => new BundleFormatter(type))];
}

/// <summary>One MIME type of a bundle.</summary>
internal sealed class BundleFormatter(string mimeType)
{
    public string MimeType { get; } = mimeType;

    public bool Format(object instance, TextWriter writer)
    {
        // Asked once for each MIME type: only what is written as HTML may use up what is due with the first chart.
        if (instance is not IShowable value || !(MimeType == "text/html" ? value.ToOutput() : value.ToBundle()).TryGetValue(MimeType, out string? text))
        {
            return false;
        }

        writer.Write(text);
        return true;
    }
}
