using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Running;

namespace Workbook.Cli.Report;

/// <summary>One executed notebook: its text, its code, what the code showed.</summary>
internal sealed class NotebookSection(RunResult result, string anchor)
{
    private readonly MarkdownPage _markdown = new(anchor);
    private string? _body;

    public void AppendContents(StringBuilder html)
    {
        Render();
        html.Append($"<li><a href=\"#{anchor}\">{Encode(result.Name)}</a>");
        if (_markdown.Headings.Count > 0)
        {
            html.Append("<ul>");
            foreach ((string id, string text) in _markdown.Headings)
            {
                html.Append($"<li><a href=\"#{id}\">{Encode(text)}</a></li>");
            }

            html.Append("</ul>");
        }

        html.Append("</li>");
    }

    public void Append(StringBuilder html)
    {
        html.Append($"<section class=\"notebook\" id=\"{anchor}\"><p class=\"quiet\">{Encode(result.Name)} · {result.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s</p>");
        if (result.Error is string error)
        {
            html.Append($"<div class=\"error\"><strong>This notebook did not finish.</strong><pre>{Encode(error)}</pre></div>");
        }

        html.Append(Render()).Append("</section>");
    }

    private string Render()
    {
        if (_body is not null)
        {
            return _body;
        }

        StringBuilder html = new();
        foreach (JsonObject cell in (result.Document["cells"] as JsonArray ?? []).OfType<JsonObject>())
        {
            string source = Joined(cell["source"]);
            switch (Joined(cell["cell_type"]))
            {
                case "markdown":
                    html.Append("<div class=\"md\">").Append(_markdown.Render(source)).Append("</div>");
                    break;
                case "code":
                    html.Append("<div class=\"code\"><pre><code>").Append(CodeColors.Html(source)).Append("</code></pre></div>");
                    foreach (JsonObject output in (cell["outputs"] as JsonArray ?? []).OfType<JsonObject>())
                    {
                        AppendOutput(html, output);
                    }

                    break;
                default:
                    html.Append($"<pre>{Encode(source)}</pre>");
                    break;
            }
        }

        return _body = html.ToString();
    }

    private static void AppendOutput(StringBuilder html, JsonObject output)
    {
        string type = Joined(output["output_type"]);
        if (type == "stream")
        {
            html.Append($"<div class=\"output\"><pre>{Encode(Joined(output["text"]))}</pre></div>");
        }
        else if (type == "error")
        {
            html.Append($"<div class=\"output error\"><pre>{Encode($"{Joined(output["ename"])}: {Joined(output["evalue"])}")}</pre></div>");
        }
        else if (output["data"] is JsonObject data)
        {
            html.Append($"<div class=\"output\">{Shown(data)}</div>");
        }
    }

    // The richest form that a page shows; HTML outputs are the notebook's own and trusted.
    private static string Shown(JsonObject data)
    {
        if (data["text/html"] is JsonNode markup)
        {
            return Joined(markup);
        }

        if (data["image/svg+xml"] is JsonNode svg)
        {
            string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(Joined(svg)));
            return $"<img alt=\"\" src=\"data:image/svg+xml;base64,{encoded}\">";
        }

        foreach (string mime in (string[])["image/png", "image/jpeg"])
        {
            if (data[mime] is JsonNode picture)
            {
                return $"<img alt=\"\" src=\"data:{mime};base64,{Encode(Joined(picture).Replace("\n", "", StringComparison.Ordinal))}\">";
            }
        }

        return $"<pre>{Encode(Joined(data["text/plain"]))}</pre>";
    }

    // nbformat keeps a text as one string or as a list of lines.
    private static string Joined(JsonNode? node) => node switch
    {
        JsonArray lines => string.Concat(lines.Select(Joined)),
        JsonValue value when value.TryGetValue(out string? text) => text,
        null => "",
        _ => node.ToJsonString(),
    };

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
