using System.Text.RegularExpressions;
using System.Xml.Linq;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Syntax;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Publishing;
using Xunit;

namespace Workbook.Cli.Tests.Report;

public class TexMathTests
{
    [Theory]
    [InlineData("x^2_i", "<msubsup><mrow><mi>x</mi></mrow><mrow><mi>i</mi></mrow><mrow><mn>2</mn></mrow></msubsup>")]
    [InlineData(@"\frac{1}{n}", "<mfrac><mrow><mrow><mn>1</mn></mrow></mrow><mrow><mrow><mi>n</mi></mrow></mrow></mfrac>")]
    [InlineData(@"\mathcal{N}(0,\, 2 / n_i)", "<mi>&#119977;</mi><mo stretchy=\"false\">(</mo><mn>0</mn><mo>,</mo><mspace width=\"0.167em\"></mspace><mn>2</mn><mo>/</mo><msub><mrow><mi>n</mi></mrow><mrow><mi>i</mi></mrow></msub><mo stretchy=\"false\">)</mo>")]
    [InlineData(@"\mathcal{L} \in \mathbb{R}", "<mi>ℒ</mi><mo>∈</mo><mi>ℝ</mi>")]
    [InlineData(@"a < b \text{ for all } b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi><mtext>&#160;for&#160;all&#160;</mtext><mi>b</mi>")]
    [InlineData(@"-0.5'", "<mo>−</mo><msup><mrow><mn>0.5</mn></mrow><mrow><mo>′</mo></mrow></msup>")]
    [InlineData(@"\|w\|_2", "<mo stretchy=\"false\">‖</mo><mi>w</mi><msub><mrow><mo stretchy=\"false\">‖</mo></mrow><mrow><mn>2</mn></mrow></msub>")]
    [InlineData(@"\unheard{x}", @"<mtext>\unheard</mtext><mrow><mi>x</mi></mrow>")]
    public void A_formula_is_mathml(string tex, string expected) => Assert.Equal($"<math><mrow>{expected}</mrow></math>", TexMath.Html(tex));

    [Fact]
    public void On_a_line_of_its_own_a_sum_has_its_limits_above_and_below()
    {
        string html = TexMath.Html(@"\sum_{i=1}^n x_i", block: true);
        Assert.StartsWith("<math display=\"block\"><mrow><munderover><mrow><mo>∑</mo></mrow>", html, StringComparison.Ordinal);
        Assert.StartsWith("<math><mrow><msubsup><mrow><mo>∑</mo></mrow>", TexMath.Html(@"\sum_{i=1}^n x_i"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x^")]
    [InlineData(@"\frac{1}")]
    [InlineData(@"\left(")]
    [InlineData("{{a")]
    [InlineData("a}b")]
    [InlineData(@"a \\ b")]
    [InlineData(@"\text{a")]
    [InlineData("\\")]
    public void What_is_written_half_still_is_well_formed(string tex) => XElement.Parse(TexMath.Html(tex));

    [Fact]
    public void Every_formula_of_the_notebooks_is_understood()
    {
        MarkdownPipeline pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseMathematics().Build();
        MarkdownDocument[] texts = [.. CommittedNotebookTests.Committed.SelectMany(path => NotebookReader.Read(path).Cells)
            .Where(cell => cell["cell_type"]!.ToString() == "markdown").Select(cell => Markdown.Parse(NotebookDocument.Source(cell), pipeline))];
        string[] formulas = [.. texts.SelectMany(text => text.Descendants<MathInline>()).Select(math => math.Content.ToString()), .. texts.SelectMany(text => text.Descendants<MathBlock>()).Select(math => math.Lines.ToString())];
        Assert.NotEmpty(formulas);
        Assert.All(formulas, formula =>
        {
            string html = TexMath.Html(formula);
            XElement.Parse(html);
            Assert.Empty(Regex.Matches(html, @"<mtext>\\"));
        });
    }
}
