namespace Workbook.Notebook;

/// <summary>The host that runs this notebook.</summary>
public static class NotebookHost
{
    private static INotebookHost? s_current;

    /// <summary>The host in use. A runner that hosts the library in its own process sets it before the first cell.</summary>
    public static INotebookHost Current
    {
        get => s_current ??= new ConsoleHost();
        set => s_current = value;
    }

    /// <summary>Whether a host was chosen already.</summary>
    internal static bool IsSet => s_current is not null;

    /// <summary>Shows a value as an output of the running cell and returns the output's id.</summary>
    public static string Show(this IShowable value) => Current.Display(value.ToOutput());
}
