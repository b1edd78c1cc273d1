using System.Text;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Sweeping;

/// <summary>What a notebook executes, as a hash: its cells' code and the files that they load. Text and outputs don't count.</summary>
internal static partial class NotebookCode
{
    // Written by the build, with the paths of one clone: what it loads counts as the library's version.
    private const string OwnScript = "lab.csx";

    public static string Hash(NotebookDocument notebook)
    {
        StringBuilder all = new();
        HashSet<string> seen = [];
        foreach (string source in notebook.CodeCells.Select(NotebookDocument.Source))
        {
            Append(all, seen, source, Path.GetDirectoryName(notebook.Path)!);
        }

        return SweepPoint.HashOf(all.ToString());
    }

    private static void Append(StringBuilder all, HashSet<string> seen, string source, string folder)
    {
        string code = source.ReplaceLineEndings("\n");
        all.Append(code.Length).Append('\n').Append(code);
        foreach (Match line in Loads().Matches(code))
        {
            string path = Path.GetFullPath(line.Groups[2].Value.Trim(), folder);
            if (Path.GetFileName(path) == OwnScript || !File.Exists(path) || !seen.Add(path))
            {
                continue;
            }

            if (line.Groups[1].Value == "r")
            {
                all.Append(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))));
            }
            else
            {
                Append(all, seen, File.ReadAllText(path), Path.GetDirectoryName(path)!);
            }
        }
    }

    [GeneratedRegex("""^\s*#(r|load|!import)\s+"?([^"\n]+)"?""", RegexOptions.Multiline)]
    private static partial Regex Loads();
}
