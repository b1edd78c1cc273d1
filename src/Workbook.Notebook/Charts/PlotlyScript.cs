using System.Reflection;

namespace Workbook.Notebook;

/// <summary>plotly.js as Plotly.NET brings it, for a page to hold once.</summary>
public static class PlotlyScript
{
    private static int s_due;

    /// <summary>
    /// A <c>&lt;script&gt;</c> element (3.6 MB) after which <c>window.Plotly</c> is there. Wrapped in a function that hides
    /// <c>define</c>, <c>exports</c> and <c>module</c>: under a module loader the script would register there and nowhere else.
    /// </summary>
    public static string Html()
    {
        Assembly assembly = typeof(Plotly.NET.GenericChart).Assembly;
        string name = assembly.GetManifestResourceNames().Single(resource => resource.EndsWith(".min.js", StringComparison.Ordinal));
        using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
        string code = reader.ReadToEnd().Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase);
        return $"<script>if(!window.Plotly){{(function(define,exports,module){{{code}\n}}).call(window);}}</script>";
    }

    /// <summary>The next chart that is shown brings the script.</summary>
    internal static void GoesWithNextChart() => Interlocked.Exchange(ref s_due, 1);

    /// <summary>The script, if the chart that is shown now is the one to bring it; else nothing.</summary>
    internal static string Due() => Interlocked.Exchange(ref s_due, 0) == 1 ? Html() : "";

    /// <summary>The script as a notebook's output.</summary>
    internal static IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = Html(),
        ["text/plain"] = "charts are ready",
    };
}
