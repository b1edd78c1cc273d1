using Microsoft.CodeAnalysis.Text;

namespace Workbook.Cli.Kernel;

/// <summary>A piece of a cell that is compiled by itself: code, or a file to import.</summary>
/// <param name="Line">Where it starts in the cell, from 1.</param>
internal sealed record CellPart(int Line, string Text, bool IsImport);

/// <summary>Takes a cell apart at its magic lines.</summary>
internal static class CellParts
{
    private const string Import = "#!import";

    /// <exception cref="CellException">A magic that this runner does not have.</exception>
    public static IReadOnlyList<CellPart> Split(string code)
    {
        List<CellPart> parts = [];
        char[] text = code.ToCharArray();
        int start = 0;

        void EndPart(int end)
        {
            if (text.AsSpan(start, end - start).ContainsAnyExcept(" \t\r\n"))
            {
                // Blanks in the place of what came before keep the compiler's line numbers those of the cell.
                int line = SourceText.From(code).Lines.GetLineFromPosition(start).LineNumber + 1;
                parts.Add(new CellPart(line, new string('\n', line - 1) + new string(text, start, end - start), IsImport: false));
            }
        }

        foreach (CellDirective directive in CellText.DirectivesToRun(code))
        {
            if (!directive.IsActive)
            {
                if (directive.Text.StartsWith("#!", StringComparison.Ordinal))
                {
                    Clear(directive.Span); // the compiler would refuse it even where it does not read
                }
            }
            else if (directive.Is(Import))
            {
                string path = directive.Argument(Import);
                if (path.Length == 0)
                {
                    throw new CellException(directive.Line, "MagicCommandError", "#!import names no file: write #!import path");
                }

                EndPart(directive.Span.Start);
                parts.Add(new CellPart(directive.Line, path, IsImport: true));
                start = directive.Span.End;
            }
            else if (directive.Text is "#!csharp" or "#!c#" && !text.AsSpan(start, directive.Span.Start - start).ContainsAnyExcept(" \t\r\n"))
            {
                Clear(directive.Span);
            }
            else if (directive.Is("#i"))
            {
                Clear(directive.Span); // where packages come from: without packages nothing depends on it
            }
            else if (directive.Text.StartsWith("#!", StringComparison.Ordinal))
            {
                throw new CellException(directive.Line, "MagicCommandError",
                    $"{directive.Text.Split(' ')[0]} is not known here: C# cells may use #!import, #r, #load and #!csharp in the first line; "
                    + "--kernel dotnet-interactive runs the others");
            }
            else if (directive.Is("#r") && directive.Argument("#r").StartsWith("nuget:", StringComparison.OrdinalIgnoreCase))
            {
                throw new CellException(directive.Line, "ReferenceError",
                    "#r \"nuget:…\" is not supported: reference the package in a project, or #r the path of its DLL; "
                    + "--kernel dotnet-interactive runs it as it is");
            }
        }

        EndPart(code.Length);
        return parts;

        void Clear(TextSpan span) => Array.Fill(text, ' ', span.Start, span.Length);
    }
}
