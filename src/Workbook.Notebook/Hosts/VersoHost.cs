using System.Reflection;

namespace Workbook.Notebook;

/// <summary>
/// Verso, reached by reflection. An output of its cells has one MIME type and stays as it is. Trailing values need nothing from here:
/// Verso calls their <c>ToHtml()</c>.
/// </summary>
internal sealed class VersoHost : INotebookHost
{
    private readonly MethodInfo _display;

    private VersoHost(MethodInfo display) => _display = display;

    public string Name => "Verso";

    public bool WantsPlotly => true;

    public bool UpdatesInPlace => false;

    public bool DropsImports => true;

    /// <summary>The host, if its assemblies are among those loaded.</summary>
    public static VersoHost? TryCreate(IEnumerable<Assembly> loaded) =>
        loaded.Select(a => a.GetType("Verso.Abstractions.DisplayExtensions")).FirstOrDefault(t => t is not null)
            ?.GetMethod("Display", [typeof(object), typeof(string)]) is MethodInfo display
            ? new VersoHost(display)
            : null;

    public string Display(IReadOnlyDictionary<string, string> bundle)
    {
        string mimeType = bundle.ContainsKey("text/html") ? "text/html" : "text/plain";
        _display.Invoke(null, [bundle[mimeType], mimeType]);
        return "";
    }

    public void Update(string id, IReadOnlyDictionary<string, string> bundle) => Display(bundle);
}
