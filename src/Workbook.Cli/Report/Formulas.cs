namespace Workbook.Cli.Report;

/// <summary>
/// TeX's formulas on a page, by Temml 0.13.5: the page holds them as they are written, and Temml's script makes MathML of them.
/// Its files lie beside this one as its npm package has them, so that a site needs no network.
/// </summary>
internal static class Formulas
{
    /// <summary>The class of a formula that stands on its own line and in no element of its own.</summary>
    public const string OnItsOwnLine = "display";

    private const string Script = "temml.min.js";
    private const string Style = "Temml-Local.css";
    private const string Font = "Temml.woff2"; // by this name the style sheet knows it
    private const string Licence = "LICENSE.txt";

    /// <summary>What the head of a page with formulas holds, beside <see cref="PageScript"/>, which renders them. A formula that Temml can't read stays
    /// as it is written, marked as an error.</summary>
    public const string Head = $"<link rel=\"stylesheet\" href=\"{Style}\"><script {ReportSite.OfThisPage} defer src=\"{Script}\"></script>";

    /// <summary>The files that <see cref="Head"/> refers to, name → content.</summary>
    public static IEnumerable<(string Name, byte[] Content)> Files() =>
        [(Script, [.. "/*! Temml 0.13.5\n\n"u8, .. Read(Licence), .. "*/\n"u8, .. Read(Script)]), (Style, Read(Style)), (Font, Read(Font))];

    private static byte[] Read(string name) => PageScript.Resource("Temml/" + name);
}
