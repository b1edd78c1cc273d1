using System.Text;

namespace Workbook.Cli.Kernel;

/// <summary>A piece of a cell that is compiled by itself: code, or a file to import.</summary>
/// <param name="Line">Where it starts in the cell, from 1.</param>
internal sealed record CellPart(int Line, string Text, bool IsImport);

/// <summary>Takes a cell apart at its magic lines.</summary>
internal static class CellParts
{
    /// <exception cref="CellException">A magic that this runner does not have.</exception>
    public static IReadOnlyList<CellPart> Split(string code)
    {
        string[] lines = code.ReplaceLineEndings("\n").Split('\n');
        List<CellPart> parts = [];
        StringBuilder text = new();
        bool blank = true;
        void EndPart(int line)
        {
            if (!blank)
            {
                parts.Add(new CellPart(line, text.ToString(), IsImport: false));
            }

            // Blank lines in the place of what came before keep the compiler's line numbers those of the cell.
            text.Clear().Append('\n', line);
            blank = true;
        }

        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.StartsWith("#!import", StringComparison.Ordinal) && (line.Length == 8 || char.IsWhiteSpace(line[8])))
            {
                string path = line[8..].Trim().Trim('"');
                if (path.Length == 0)
                {
                    throw new CellException(i + 1, "MagicCommandError", "#!import names no file: write #!import path");
                }

                EndPart(i + 1);
                parts.Add(new CellPart(i + 1, path, IsImport: true));
                continue;
            }

            if (line is "#!csharp" or "#!c#" && blank)
            {
                text.Append('\n');
                continue;
            }

            if (line.StartsWith("#!", StringComparison.Ordinal))
            {
                throw new CellException(i + 1, "MagicCommandError",
                    $"{line.Split(' ')[0]} is not known here: C# cells may use #!import, #r, #load and #!csharp in the first line; "
                    + "--kernel dotnet-interactive runs the others");
            }

            if (IsNugetReference(line))
            {
                throw new CellException(i + 1, "ReferenceError",
                    "#r \"nuget:…\" is not supported: reference the package in a project, or #r the path of its DLL; "
                    + "--kernel dotnet-interactive runs it as it is");
            }

            text.Append(lines[i]).Append('\n');
            blank &= line.Length == 0;
        }

        EndPart(lines.Length);
        return parts;
    }

    private static bool IsNugetReference(string line) =>
        line.StartsWith("#r", StringComparison.Ordinal) && line[2..].TrimStart().TrimStart('"').TrimStart()
            .StartsWith("nuget:", StringComparison.OrdinalIgnoreCase);
}
