// The members of ClrKernel that the adapter reaches by name, with the shapes of version 0.10.
#pragma warning disable IDE0130 // The namespace is the kernel's.
namespace ClrKernel.Core.Primitives;

public interface IDisplayValue
{
    object? Value { get; }
}

public record DisplayObject(object? Value, Type? PreferredDisplayType = null, string? PreferredMimeType = null) : IDisplayValue;

public record DisplayHtml(string Html) : IDisplayValue
{
    public object Value => Html;
}

public record DisplayText(string Text) : IDisplayValue
{
    public object Value => Text;
}

public record DisplayFormatter(Type InputType, Type OutputType, Func<IDisplayValue, IDisplayValue> Format);

public static class DisplayFormatters
{
    private static readonly List<DisplayFormatter> s_all =
    [
        new(typeof(DisplayObject), typeof(DisplayText), value => new DisplayText($"text of {value.Value}")),
        new(typeof(DisplayObject), typeof(DisplayHtml), value => new DisplayHtml($"html of {value.Value}")),
    ];

    public static IEnumerable<DisplayFormatter> Formatters => s_all.ToArray();

    public static DisplayFormatter Register<TIn, TOut>(Func<TIn, TOut> format)
        where TIn : IDisplayValue
        where TOut : IDisplayValue => Register(typeof(TIn), typeof(TOut), value => format((TIn)value));

    public static DisplayFormatter Register(Type inputType, Type outputType, Func<IDisplayValue, IDisplayValue> format)
    {
        s_all.Add(new DisplayFormatter(inputType, outputType, format));
        return s_all[^1];
    }

    /// <summary>What the kernel does with a trailing value: the newest formatter for each MIME type.</summary>
    public static Dictionary<string, string> Bundle(IDisplayValue value) => new()
    {
        ["text/html"] = ((DisplayHtml)Newest(typeof(DisplayHtml)).Format(value)).Html,
        ["text/plain"] = ((DisplayText)Newest(typeof(DisplayText)).Format(value)).Text,
    };

    private static DisplayFormatter Newest(Type outputType) => s_all.Last(formatter => formatter.OutputType == outputType);
}

public record DisplayCell(string DisplayId)
{
    public static List<(string Id, Dictionary<string, string> Bundle)> Sent { get; } = [];

    public DisplayCell Update(object value, Type? preferredDisplayType = null, string? preferredMimeType = null)
    {
        Sent.Add((DisplayId, DisplayFormatters.Bundle(new DisplayObject(value, preferredDisplayType, preferredMimeType))));
        return this;
    }
}

public static class DisplayValues
{
    public static DisplayCell Display(this object value, Type? preferredDisplayType = null, string? preferredMimeType = null) =>
        new DisplayCell(Guid.NewGuid().ToString("N")).Update(value, preferredDisplayType, preferredMimeType);
}
