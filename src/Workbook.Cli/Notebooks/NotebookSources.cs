using System.Text.RegularExpressions;

namespace Workbook.Cli.Notebooks;

/// <summary>What a notebook executes: its code cells, and the files that they load.</summary>
internal static partial class NotebookSources
{
    // Written by the build, with the paths of one clone: what it loads counts as the library's version.
    private const string OwnScript = "lab.csx";

    /// <summary>The text of each code cell and of each C# file that is loaded, once each, with \n at line ends.</summary>
    /// <param name="libraries">The assemblies' files that are referenced by their paths.</param>
    public static IReadOnlyList<string> Of(NotebookDocument notebook, out IReadOnlyList<string> libraries)
    {
        List<string> sources = [], assemblies = [];
        HashSet<string> seen = [];
        foreach (string source in notebook.CodeCells.Select(NotebookDocument.Source))
        {
            Add(source, Path.GetDirectoryName(notebook.Path)!);
        }

        libraries = assemblies;
        return sources;

        void Add(string source, string folder)
        {
            string code = source.ReplaceLineEndings("\n");
            sources.Add(code);
            foreach (Match line in Loads().Matches(code))
            {
                string path = Path.GetFullPath(line.Groups[2].Value.Trim(), folder);
                if (Path.GetFileName(path) == OwnScript || !File.Exists(path) || !seen.Add(path))
                {
                    continue;
                }

                if (line.Groups[1].Value == "r")
                {
                    assemblies.Add(path);
                }
                else
                {
                    Add(File.ReadAllText(path), Path.GetDirectoryName(path)!);
                }
            }
        }
    }

    [GeneratedRegex("""^\s*#(r|load|!import)\s+"?([^"\n]+)"?""", RegexOptions.Multiline)]
    private static partial Regex Loads();
}
