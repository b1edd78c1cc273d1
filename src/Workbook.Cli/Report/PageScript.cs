using System.Text;

namespace Workbook.Cli.Report;

/// <summary>The one script of our own on the site's pages: it draws the charts and formulas that they hold as data.</summary>
internal static class PageScript
{
    /// <summary>Its file's name on the site.</summary>
    public const string FileName = "report.js";

    /// <summary>Its text.</summary>
    public static string Text { get; } = Encoding.UTF8.GetString(Resource("Scripts/" + FileName));

    /// <summary>The content of a file that lies beside the code of the report.</summary>
    internal static byte[] Resource(string name)
    {
        using Stream stream = typeof(PageScript).Assembly.GetManifestResourceStream(name)!;
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
