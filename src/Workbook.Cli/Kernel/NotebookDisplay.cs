using Workbook.Notebook;

namespace Workbook.Cli.Kernel;

/// <summary>What cells can call without a using, under the names that .NET Interactive has for it.</summary>
#pragma warning disable CA1708 // Both names are what notebooks are written with.
public static class NotebookDisplay
{
    /// <summary>Shows a value as an output of the running cell.</summary>
    public static DisplayedValue display(object? value) => new(NotebookHost.Current.Display(ValueFormatter.ToBundle(value)));

    /// <summary>Shows a value as an output of the running cell.</summary>
    public static DisplayedValue Display(this object? value) => display(value);
}
#pragma warning restore CA1708

/// <summary>An output on the page that can be replaced.</summary>
public sealed class DisplayedValue
{
    private readonly string _id;

    internal DisplayedValue(string id) => _id = id;

    /// <summary>Shows another value in the same place.</summary>
    public void Update(object? value) => NotebookHost.Current.Update(_id, ValueFormatter.ToBundle(value));
}
