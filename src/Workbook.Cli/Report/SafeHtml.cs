using System.Buffers;
using Ganss.Xss;

namespace Workbook.Cli.Report;

/// <summary>
/// HTML of others for a page of the site: text, tables, pictures and looks pass; what runs, loads, asks or covers does not. The notebook's
/// text comes this way, and of its outputs what needs nothing more; <see cref="OutputFrames"/> has the others.
/// </summary>
internal static class SafeHtml
{
    /// <summary>How deep elements may lie in each other: whoever reads and writes a tree goes down into it.</summary>
    private const int MostDepth = 250;

    /// <summary>The most characters of an output that are looked through; a tree of them takes many times the room.</summary>
    public const int Longest = 500_000;

    private static readonly HashSet<string> s_tags = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl",
        "dt", "em", "figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
        "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u",
        "ul", "var", "wbr",
    };

    private static readonly HashSet<string> s_attributes = new(StringComparer.OrdinalIgnoreCase)
    {
        "align", "alt", "border", "class", "color", "colspan", "dir", "height", "href", "id", "lang", "open", "rowspan", "scope", "src", "start", "style",
        "tabindex", "title", "type", "valign", "width",
    };

    /// <summary>Of CSS what colours and arranges; nothing that leaves its place, since that could cover the page.</summary>
    private static readonly string[] s_looks =
    [
        "align-items", "align-self", "background*", "border*", "color", "column-gap", "display", "flex*", "font*", "gap", "height",
        "justify-content", "letter-spacing", "line-height", "list-style", "list-style-type", "margin*", "max-height", "max-width", "min-height", "min-width",
        "opacity", "overflow*", "padding*", "row-gap", "text-align", "text-decoration*", "text-indent", "text-transform", "vertical-align", "white-space",
        "width", "word-break",
    ];

    /// <summary>Elements whose content is no text of a page, or is read otherwise inside than outside of them: they go with it.</summary>
    private static readonly HashSet<string> s_goWithContent = new(StringComparer.OrdinalIgnoreCase)
    {
        "applet", "audio", "canvas", "embed", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "object", "plaintext", "script", "select",
        "style", "svg", "template", "textarea", "title", "video", "xmp",
    };

    private static readonly HashSet<string> s_alone = new(StringComparer.OrdinalIgnoreCase)
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    };

    private static readonly SearchValues<char> s_endOfName = SearchValues.Create(" \t\r\n\f/>");

    /// <summary>The HTML without what may not be on a page.</summary>
    /// <param name="html">A part of a page.</param>
    /// <param name="whole">Whether nothing had to go.</param>
    /// <returns>Null if its elements lie too deep in each other.</returns>
    public static string? Clean(string html, out bool whole)
    {
        if (IsDeep(html))
        {
            whole = false;
            return null;
        }

        bool all = true;
        HtmlSanitizer sanitizer = new(new HtmlSanitizerOptions
        {
            AllowedTags = s_tags,
            AllowedAttributes = s_attributes,
            AllowedCssProperties = Looks(),
            AllowedSchemes = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "http", "https", "mailto" },
            UriAttributes = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "href", "src" },
        })
        { KeepChildNodes = true };
        sanitizer.RemovingTag += (_, removing) =>
        {
            all = false;
            if (s_goWithContent.Contains(removing.Tag.LocalName))
            {
                removing.Tag.TextContent = "";
            }
        };
        sanitizer.RemovingAttribute += (_, removing) => all &= removing.Attribute.Name.StartsWith("data-", StringComparison.OrdinalIgnoreCase);
        sanitizer.RemovingStyle += (_, _) => all = false;
        sanitizer.FilterUrl += (_, url) =>
        {
            url.SanitizedUrl = IsPicture(url) ? url.OriginalUrl : IsElsewhere(url) ? null : url.SanitizedUrl;
        };
        string clean = sanitizer.Sanitize(html);
        whole = all;
        return clean;
    }

    // A picture that is there itself. Others would have to be loaded, which pages don't.
    private static bool IsPicture(FilterUrlEventArgs url) => url.Tag is { LocalName: "img" }
        && url.OriginalUrl.StartsWith("data:image/", StringComparison.OrdinalIgnoreCase);

    // In a page that is a file, //host/share is a place in the reader's network.
    private static bool IsElsewhere(FilterUrlEventArgs url) => url.OriginalUrl.TrimStart() is ['/' or '\\', '/' or '\\', ..];

    private static HashSet<string> Looks()
    {
        string[] known = [.. HtmlSanitizerDefaults.AllowedCssProperties, "align-items", "align-self", "column-gap", "font-variant-numeric", "gap",
            "justify-content", "row-gap", "overflow-wrap"];
        return new(
            known.Where(name => s_looks.Any(look => look.EndsWith('*') ? name.StartsWith(look[..^1], StringComparison.Ordinal) : name == look)),
            StringComparer.OrdinalIgnoreCase);
    }

    // Counted before there is a tree: of each name the elements that are begun and not yet ended. Those that end by themselves are counted too.
    private static bool IsDeep(string html)
    {
        Dictionary<string, int> open = new(StringComparer.OrdinalIgnoreCase);
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> byName = open.GetAlternateLookup<ReadOnlySpan<char>>();
        int depth = 0;
        for (int at = html.IndexOf('<', StringComparison.Ordinal); at >= 0 && depth <= MostDepth; at = html.IndexOf('<', at + 1))
        {
            bool ends = at + 1 < html.Length && html[at + 1] == '/';
            ReadOnlySpan<char> rest = html.AsSpan(at + (ends ? 2 : 1));
            if (rest.IsEmpty || !char.IsAsciiLetter(rest[0]))
            {
                continue;
            }

            int length = rest.IndexOfAny(s_endOfName);
            ReadOnlySpan<char> name = length < 0 ? rest : rest[..length];
            byName.TryGetValue(name, out int count);
            if (ends ? count > 0 : !s_alone.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name))
            {
                byName[name] = count + (ends ? -1 : 1);
                depth += ends ? -1 : 1;
            }
        }

        return depth > MostDepth;
    }
}
