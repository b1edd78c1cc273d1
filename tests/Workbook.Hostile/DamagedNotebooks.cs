using System.Text.Json.Nodes;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Workbook.Cli.Kernel;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Translating;

namespace Workbook.Hostile;

/// <summary>Damaged notebooks, not run: each is refused in one line, or becomes a page on which nothing of it can run.</summary>
internal sealed class DamagedNotebooks(IReadOnlyList<JsonNode> notebooks) : Attack
{
    private static readonly string[] s_types = ["int", "double", "string", "bool", "long?", "float[]", "DayOfWeek", "DateTime", "decimal", "char"];

    public override int Share => 2;

    public override string? Try(Random random, string folder)
    {
        string path = Path.Combine(folder, "n.ipynb");
        string text = Damage.Json(random, notebooks[random.Next(notebooks.Count)]);
        File.WriteAllText(path, text);
        string odd = Damage.Text(random);
        _ = (CellText.Directives(odd + "\n" + text[..Math.Min(text.Length, 2000)]), CodeColors.Html(odd));
        try
        {
            ParameterLiteral.Of(odd, s_types[random.Next(s_types.Length)]);
        }
        catch (WorkbookException e) when (FaultOf(e.Message) is null)
        {
            // It is no such value, in one line.
        }
        catch (FormatException)
        {
            // The caller says so, with the parameter's name.
        }

        NotebookDocument document;
        try
        {
            document = NotebookReader.Read(path);
        }
        catch (WorkbookException e)
        {
            return FaultOf(e.Message);
        }

        JupyterJson.Serialize(document.Root);
        NotebookResult result = NotebookResult.Of(document, path);
        NotebookPage page = new(result, [result], Edition.Original, [Edition.Original], untranslated: 0);
        return FaultOfPage(page.Html());
    }

    // What a browser would run, apart from the site's own scripts in the head; the frames of outputs are shut in by their own policy.
    private static string? FaultOfPage(string html)
    {
        using AngleSharp.Html.Dom.IHtmlDocument page = new HtmlParser().ParseDocument(html);
        foreach (IElement element in page.Body!.QuerySelectorAll("*"))
        {
            if (element.LocalName is "script" && element.GetAttribute("type") != "application/json")
            {
                return $"a script on the page: {Readable(element.OuterHtml)}";
            }

            if (element.LocalName is "object" or "embed" or "base" or "form" or "meta" or "link"
                || (element.LocalName is "iframe" && element.GetAttribute("sandbox") is null))
            {
                return $"a {element.LocalName} on the page: {Readable(element.OuterHtml)}";
            }

            if (element.Attributes.FirstOrDefault(a => a.Name.StartsWith("on", StringComparison.OrdinalIgnoreCase) || (a.Name is "href" or "src" or "xlink:href"
                && a.Value.TrimStart().StartsWith("javascript:", StringComparison.OrdinalIgnoreCase))) is { } attribute)
            {
                return $"{attribute.Name}={Readable(attribute.Value)} on the page";
            }
        }

        return null;
    }
}
