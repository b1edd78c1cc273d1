using System.Net;
using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Helpers;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Workbook.Cli.Report;

/// <summary>Markdown cells of one notebook to HTML, with its headings gathered and its formulas as TeX.</summary>
/// <param name="pageOf">The page of the notebook with that name; null if it has none.</param>
/// <param name="pictureOf">The HTML of the notebook's picture with that name, which stands in the place of <c>images/NAME.png</c>; null if it has none.</param>
internal sealed partial class MarkdownPage(Func<string, string?> pageOf, Func<string, string?> pictureOf)
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseMathematics().UseAutoLinks().UseFootnotes().Build();

    private readonly List<(string Id, string Text)> _headings = [];

    /// <summary>Headings of the first two levels so far: anchor and text.</summary>
    public IReadOnlyList<(string Id, string Text)> Headings => _headings;

    /// <summary>Whether there was a formula so far: the page then needs <see cref="Formulas.Head"/>.</summary>
    public bool HasFormulas { get; private set; }

    /// <summary>Whether there was a link to <see cref="GlossaryPage"/> so far.</summary>
    public bool HasWords { get; private set; }

    /// <summary>A cell's HTML, made safe (<see cref="SafeHtml"/>); what is nested too deep to be read stays as it is written.</summary>
    public string Render(string markdown)
    {
        try
        {
            return SafeHtml.Clean(Html(markdown), out _) is { } safe ? Named().Replace(safe, Picture) : AsWritten(markdown);
        }
        catch (ArgumentException)
        {
            return AsWritten(markdown); // Markdig's word for it
        }
    }

    // The file lies beside the notebook's source; the page has what this run drew under the same name, or the words.
    private string Picture(Match image) => pictureOf(image.Groups["name"].Value)
        ?? $"<p class=\"quiet\">{WebUtility.HtmlEncode(WebUtility.HtmlDecode(image.Groups["words"].Value))}</p>";

    private static string AsWritten(string markdown) => $"<pre>{WebUtility.HtmlEncode(markdown)}</pre>";

    private string Html(string markdown)
    {
        MarkdownDocument document = Markdown.Parse(markdown, s_pipeline);
        foreach (HeadingBlock heading in document.Descendants<HeadingBlock>())
        {
            if (heading is { Level: > 2, Inline: not null })
            {
                heading.GetAttributes().Id = LinkHelper.UrilizeAsGfm(string.Concat(heading.Inline.Descendants().Select(PlainText)));
            }
            else if (heading.Level <= 2 && heading.Inline is not null)
            {
                string id = $"part-{_headings.Count + 1}";
                heading.GetAttributes().Id = id;
                _headings.Add((id, string.Concat(heading.Inline.Descendants().Select(PlainText))));
            }
        }

        foreach (LinkInline link in document.Descendants<LinkInline>())
        {
            if (link is { IsImage: false, Url: { } words } && words.Split('#') is [GlossaryPage.Source, var word])
            {
                (link.Url, HasWords) = ($"{GlossaryPage.File}#{word}", true);
            }
            else if (link is { IsImage: false, Url: { } url } && url.EndsWith(".ipynb", StringComparison.Ordinal)
                && pageOf(Path.GetFileNameWithoutExtension(url)) is { } page)
            {
                link.Url = Uri.EscapeDataString(page);
            }
        }

        foreach (MathInline display in document.Descendants<MathInline>().Where(math => math.DelimiterCount > 1))
        {
            display.GetAttributes().AddClass(Formulas.OnItsOwnLine); // $$…$$ within a paragraph
        }

        HasFormulas |= document.Descendants().Any(part => part is MathInline or MathBlock);
        using StringWriter writer = new();
        HtmlRenderer renderer = new(writer);
        s_pipeline.Setup(renderer);
        renderer.Render(document);
        writer.Flush();
        return writer.ToString();
    }

    private static string PlainText(MarkdownObject inline) => inline switch
    {
        LiteralInline literal => literal.Content.ToString(),
        CodeInline code => code.Content,
        MathInline math => math.Content.ToString(),
        _ => "",
    };

    [GeneratedRegex("""<p><img src="images/(?<name>[\w-]+)\.png" alt="(?<words>[^"]*)"></p>""")]
    private static partial Regex Named();
}
