using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Workbook.Cli.Report;

/// <summary>Markdown cells of one notebook to HTML, with its headings gathered and its formulas legible.</summary>
internal sealed class MarkdownPage(string anchor)
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseMathematics().UseAutoLinks().UseFootnotes().Build();

    private readonly List<(string Id, string Text)> _headings = [];

    /// <summary>Headings of the first two levels so far: anchor and text.</summary>
    public IReadOnlyList<(string Id, string Text)> Headings => _headings;

    public string Render(string markdown)
    {
        MarkdownDocument document = Markdown.Parse(markdown, s_pipeline);
        foreach (HeadingBlock heading in document.Descendants<HeadingBlock>())
        {
            if (heading.Level <= 2 && heading.Inline is not null)
            {
                string id = $"{anchor}-{_headings.Count + 1}";
                heading.GetAttributes().Id = id;
                _headings.Add((id, string.Concat(heading.Inline.Descendants().Select(PlainText))));
            }

            // The page has its own title: a notebook's title stands one level below.
            heading.Level = Math.Min(6, heading.Level + 1);
        }

        using StringWriter writer = new();
        HtmlRenderer renderer = new(writer);
        s_pipeline.Setup(renderer);
        renderer.ObjectRenderers.Replace<HtmlMathInlineRenderer>(new InlineMath());
        renderer.ObjectRenderers.Replace<HtmlMathBlockRenderer>(new BlockMath());
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

    private sealed class InlineMath : HtmlObjectRenderer<MathInline>
    {
        protected override void Write(HtmlRenderer renderer, MathInline obj) =>
            renderer.Write("<span class=\"math\">").Write(TexText.Html(obj.Content.ToString())).Write("</span>");
    }

    private sealed class BlockMath : HtmlObjectRenderer<MathBlock>
    {
        protected override void Write(HtmlRenderer renderer, MathBlock obj) =>
            renderer.Write("<div class=\"math\">").Write(TexText.Html(obj.Lines.ToString())).Write("</div>");
    }
}
