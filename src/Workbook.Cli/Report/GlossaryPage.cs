namespace Workbook.Cli.Report;

/// <summary>The words that notebooks link to, as a page of the site: the repository's docs/glossary.md.</summary>
internal static class GlossaryPage
{
    /// <summary>The page.</summary>
    public const string File = "glossary.html";

    /// <summary>Where a notebook finds it in the repository.</summary>
    public const string Source = "../docs/glossary.md";

    private const string Resource = "glossary.md";

    public static string Html()
    {
        using StreamReader reader = new(typeof(GlossaryPage).Assembly.GetManifestResourceStream(Resource)!);
        MarkdownPage markdown = new(_ => null, _ => null);
        string body = markdown.Render(reader.ReadToEnd());
        return ReportSite.Page("Words – Pruning Workbook",
            $"<main class=\"md\"><p class=\"quiet\"><a href=\"index.html\">Pruning Workbook</a></p>{body}</main>",
            head: ReportSite.HeadOf(body, markdown.HasFormulas));
    }
}
