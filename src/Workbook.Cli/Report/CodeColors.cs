using System.Net;
using System.Text;
using Microsoft.CodeAnalysis.CSharp;
using Workbook.Cli.Kernel;

namespace Workbook.Cli.Report;

/// <summary>C# with keywords, literals and comments marked for the style sheet.</summary>
internal static class CodeColors
{
    public static string Html(string code)
    {
        // Magic lines of notebooks are no C#.
        return !code.StartsWith("#!", StringComparison.Ordinal) && ForeignCode.TryRead(code, Marked, out string? html) ? html : WebUtility.HtmlEncode(code);
    }

    private static string Marked(string code)
    {
        StringBuilder html = new();
        foreach (var token in SyntaxFactory.ParseTokens(code, options: new CSharpParseOptions(kind: Microsoft.CodeAnalysis.SourceCodeKind.Script)))
        {
            foreach (var trivia in token.LeadingTrivia)
            {
                Append(html, trivia.ToFullString(), IsComment(trivia.Kind()) ? "c" : null);
            }

            Append(html, token.Text, Style(token.Kind()));
            foreach (var trivia in token.TrailingTrivia)
            {
                Append(html, trivia.ToFullString(), IsComment(trivia.Kind()) ? "c" : null);
            }
        }

        return html.ToString();
    }

    private static string? Style(SyntaxKind kind) =>
        SyntaxFacts.IsKeywordKind(kind) ? "k"
        : kind is SyntaxKind.StringLiteralToken or SyntaxKind.NumericLiteralToken or SyntaxKind.CharacterLiteralToken
            or SyntaxKind.InterpolatedStringToken or SyntaxKind.InterpolatedStringTextToken or SyntaxKind.InterpolatedStringStartToken
                or SyntaxKind.InterpolatedStringEndToken ? "s"
        : null;

    private static bool IsComment(SyntaxKind kind) => kind is SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia;

    private static void Append(StringBuilder html, string text, string? style)
    {
        string encoded = WebUtility.HtmlEncode(text);
        html.Append(style is null || text.Length == 0 ? encoded : $"<span class=\"{style}\">{encoded}</span>");
    }
}
