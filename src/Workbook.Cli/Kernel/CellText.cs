using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Workbook.Cli.Kernel;

/// <summary>A directive of a cell that the compiler takes for one: what looks like one in a comment or a text is none.</summary>
/// <param name="IsActive">Whether it is in force: no <c>#if</c> excludes it.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Span">That line, without its line end.</param>
/// <param name="Text">From the <c>#</c> on, trimmed.</param>
internal sealed record CellDirective(bool IsActive, int Line, TextSpan Span, string Text)
{
    /// <summary>Whether it is in force and begins with these words.</summary>
    public bool Is(string name) =>
        IsActive && Text.StartsWith(name, StringComparison.Ordinal) && (Text.Length == name.Length || !char.IsLetterOrDigit(Text[name.Length]));

    /// <summary>What stands behind its name, without quotes.</summary>
    public string Argument(string name) => Text[name.Length..].Trim().Trim('"').Trim();
}

/// <summary>A C# cell's text as the compiler reads it.</summary>
internal static class CellText
{
    private static readonly CSharpParseOptions s_script =
        CSharpParseOptions.Default.WithKind(SourceCodeKind.Script).WithLanguageVersion(LanguageVersion.Latest);

    /// <summary>A line, from 1, counted as the compiler counts; empty where there is none.</summary>
    public static string Line(string code, int line)
    {
        SourceText text = SourceText.From(code);
        return line >= 1 && line <= text.Lines.Count ? text.Lines[line - 1].ToString() : "";
    }

    /// <summary>The directives, in order: magics, references, imports and the compiler's own. None where a program that must go on can't read the code
    /// (<see cref="ForeignCode"/>).</summary>
    public static IReadOnlyList<CellDirective> Directives(string code) =>
        code.Contains('#', StringComparison.Ordinal) && ForeignCode.TryRead(code, DirectivesToRun, out IReadOnlyList<CellDirective>? directives)
            ? directives : [];

    /// <summary>The same of a cell that this process is there to run: if reading ends the process, that is the cell's end.</summary>
    public static IReadOnlyList<CellDirective> DirectivesToRun(string code)
    {
        if (!code.Contains('#', StringComparison.Ordinal))
        {
            return [];
        }

        SourceText text = SourceText.From(code);
        List<CellDirective> directives = [];
        foreach (SyntaxTrivia trivia in CSharpSyntaxTree.ParseText(text, s_script).GetRoot().DescendantTrivia())
        {
            if (trivia.IsDirective && trivia.GetStructure() is DirectiveTriviaSyntax directive)
            {
                TextLine line = text.Lines.GetLineFromPosition(trivia.SpanStart);
                directives.Add(new(directive.IsActive, line.LineNumber + 1, line.Span, text.ToString(TextSpan.FromBounds(trivia.SpanStart, line.End)).Trim()));
            }
        }

        return directives;
    }
}
