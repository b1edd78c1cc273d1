using System.Globalization;
using System.Net;
using System.Text;

namespace Workbook.Notebook;

/// <summary>A column of a <see cref="Table"/>.</summary>
/// <param name="Title">The heading, with the unit.</param>
/// <param name="Format">A .NET number format, for example "0.00".</param>
public sealed record Column(string Title, string? Format = null)
{
    /// <summary>A column by its heading alone.</summary>
    public static implicit operator Column(string title) => new(title);
}

/// <summary>A table: text to the left, numbers to the right.</summary>
/// <param name="title">What it shows; empty for none.</param>
/// <param name="columns">The columns; a string is a column without a format.</param>
public sealed class Table(string title, params Column[] columns) : IShowable
{
    private readonly List<object?[]> _rows = [];

    /// <summary>The rows so far, as they were added.</summary>
    public IReadOnlyList<IReadOnlyList<object?>> Rows => _rows;

    /// <summary>Adds a row; <see cref="Summary"/> cells show as "mean ± deviation".</summary>
    /// <exception cref="WorkbookException">There are more or fewer cells than columns.</exception>
    public Table Add(params object?[] cells)
    {
        if (cells.Length != columns.Length)
        {
            throw new WorkbookException($"table \"{title}\": a row of {cells.Length} cells for {columns.Length} columns");
        }

        _rows.Add(cells);
        return this;
    }

    /// <summary>The table in HTML and in aligned text.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string> { ["text/html"] = Html(), ["text/plain"] = Text() };

    /// <summary>The HTML of <see cref="ToBundle"/>.</summary>
    public string ToHtml() => Html();

    private string Html()
    {
        const string Cell = "padding:.25em .8em;border-bottom:1px solid rgba(128,128,128,.3)";
        StringBuilder html = new("<div class=\"wb-table\" style=\"overflow-x:auto;margin:.5em 0 1em\"><table style=\"border-collapse:collapse\">");
        if (title.Length > 0)
        {
            html.Append($"<caption style=\"text-align:left;font-weight:600;padding-bottom:.3em\">{WebUtility.HtmlEncode(title)}</caption>");
        }

        html.Append("<thead><tr>");
        for (int c = 0; c < columns.Length; c++)
        {
            html.Append($"<th scope=\"col\" style=\"{Cell};text-align:{Side(c)}\">{WebUtility.HtmlEncode(columns[c].Title)}</th>");
        }

        html.Append("</tr></thead><tbody>");
        foreach (object?[] row in _rows)
        {
            html.Append("<tr>");
            for (int c = 0; c < columns.Length; c++)
            {
                html.Append($"<td style=\"{Cell};text-align:{Side(c)};font-variant-numeric:tabular-nums\">{WebUtility.HtmlEncode(Shown(row, c))}</td>");
            }

            html.Append("</tr>");
        }

        return html.Append("</tbody></table></div>").ToString();
    }

    private string Text()
    {
        int[] widths = [.. columns.Select((column, c) => _rows.Select(row => Shown(row, c).Length).Append(column.Title.Length).Max())];
        StringBuilder text = new();
        if (title.Length > 0)
        {
            text.Append(title).Append('\n');
        }

        text.Append(Line(c => columns[c].Title)).Append('\n');
        text.Append(string.Join("  ", widths.Select(width => new string('-', width))));
        foreach (object?[] row in _rows)
        {
            text.Append('\n').Append(Line(c => Shown(row, c)));
        }

        return text.ToString();

        string Line(Func<int, string> cell) =>
            string.Join("  ", widths.Select((width, c) => Side(c) == "right" ? cell(c).PadLeft(width) : cell(c).PadRight(width))).TrimEnd();
    }

    private string Shown(object?[] row, int column) => row[column] switch
    {
        null => "",
        IFormattable value => value.ToString(columns[column].Format, CultureInfo.InvariantCulture),
        var other => other.ToString() ?? "",
    };

    private string Side(int column) => _rows.Count > 0 && _rows.All(row => row[column] is null or IFormattable and not DateTime) ? "right" : "left";
}
