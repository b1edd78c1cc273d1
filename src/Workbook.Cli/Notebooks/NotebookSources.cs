using Workbook.Cli.Kernel;
using Workbook.Native;

namespace Workbook.Cli.Notebooks;

/// <summary>What a notebook executes: its code cells, and the files that they load.</summary>
internal static class NotebookSources
{
    // Written by the build, with the paths of one clone: what it loads counts as the library's version.
    private const string OwnScript = "lab.csx";

    private static readonly string[] s_loads = ["#r", "#load", "#!import"];

    /// <summary>How far files that load files are followed.</summary>
    private const int MostDepth = 100;

    /// <summary>The text of each code cell and of each C# file that is loaded, once each, with \n at line ends.</summary>
    /// <param name="libraries">The assemblies' files that are referenced by their paths.</param>
    public static IReadOnlyList<string> Of(NotebookDocument notebook, out IReadOnlyList<string> libraries)
    {
        List<string> sources = [], assemblies = [];
        HashSet<string> seen = [];
        foreach (string source in notebook.CodeCells.Where(cell => !NotebookDocument.IsSkipped(cell)).Select(NotebookDocument.Source))
        {
            Add(source, Path.GetDirectoryName(notebook.Path)!, 0);
        }

        libraries = assemblies;
        return sources;

        void Add(string source, string folder, int depth)
        {
            string code = source.ReplaceLineEndings("\n");
            sources.Add(code);
            foreach ((string name, string argument) in CellText.Directives(code).SelectMany(line =>
                s_loads.Where(line.Is).Select(load => (load, line.Argument(load)))))
            {
                string path = argument.Contains('\0', StringComparison.Ordinal) ? "" : Path.GetFullPath(argument, folder);
                if (Path.GetFileName(path) == OwnScript || !File.Exists(path) || FileKind.Odd(path) is not null || !seen.Add(path))
                {
                    continue;
                }

                if (name == "#r")
                {
                    assemblies.Add(path);
                }
                else if (depth < MostDepth && Read(path) is { } text)
                {
                    Add(text, Path.GetDirectoryName(path)!, depth + 1);
                }
            }
        }
    }

    // What can't be read, the cell that loads it will say.
    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
