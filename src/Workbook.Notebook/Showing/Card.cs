using System.Net;

namespace Workbook.Notebook;

/// <summary>What a claim, an answer and an exercise look like: a coloured edge, a verdict, a sentence, a line below.</summary>
internal static class Card
{
    public const string Good = "#009E73", Bad = "#D55E00", Beside = "#0072B2", Quiet = "#808080";

    /// <param name="kind">Its class.</param>
    /// <param name="color">Of edge and verdict.</param>
    /// <param name="verdict">A mark and a word or two.</param>
    /// <param name="sentence">What it is about, as text.</param>
    /// <param name="below">The line below, as HTML.</param>
    public static string Html(string kind, string color, string verdict, string sentence, string below) => $"""
        <div class="{kind}" style="border-left:4px solid {color};padding:.2em .8em;margin:.5em 0;max-width:60em">
        <div><strong style="color:{color}">{verdict}</strong> {WebUtility.HtmlEncode(sentence)}</div>
        <div style="font-size:13px;opacity:.85">{below}</div></div>
        """;
}
