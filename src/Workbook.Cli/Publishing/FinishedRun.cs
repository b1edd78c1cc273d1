using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;

namespace Workbook.Cli.Publishing;

/// <summary>What an earlier run wrote: its outputs, for the notebooks as they are today.</summary>
internal static class FinishedRun
{
    /// <summary>Gives the notebooks the outputs that the folder's notebooks of the same name have.</summary>
    /// <param name="notebooks">The notebooks; their texts stay, and those without a run in the folder are left out.</param>
    /// <param name="folder">What the run had as its <c>--out</c>.</param>
    /// <exception cref="WorkbookException">The folder has none of them, or their code is another by now.</exception>
    public static IReadOnlyList<NotebookResult> Read(IReadOnlyList<NotebookDocument> notebooks, string folder)
    {
        NotebookDocument[] ran = [.. notebooks.Where(notebook => File.Exists(PathIn(folder, notebook)))];
        return ran.Length == 0
            ? throw new WorkbookException($"--from {folder} holds no executed notebook "
                + $"named {string.Join(" or ", notebooks.Select(notebook => notebook.Name + ".ipynb"))}: name the folder that a run wrote to")
            : [.. ran.Select(notebook => Read(notebook, PathIn(folder, notebook)))];
    }

    private static string PathIn(string folder, NotebookDocument notebook) => Path.Combine(folder, notebook.Name + ".ipynb");

    private static NotebookResult Read(NotebookDocument notebook, string path)
    {
        NotebookDocument executed = NotebookReader.Read(path);
        Parameters.Copy(executed, notebook);
        IReadOnlyList<JsonObject> targets = notebook.CodeCells;
        IReadOnlyList<JsonObject> sources = executed.CodeCells;
        int same = targets.Zip(sources).TakeWhile(pair => Code(pair.First) == Code(pair.Second)).Count();
        if (same < Math.Max(targets.Count, sources.Count))
        {
            throw new WorkbookException($"{path} was made by other code than {notebook.Path} has now (from code cell {same + 1} on): run the notebook again");
        }

        foreach ((JsonObject target, JsonObject source) in targets.Zip(sources))
        {
            target["execution_count"] = source["execution_count"]?.DeepClone();
            target["outputs"] = JupyterOutputs.Clean(source["outputs"] as JsonArray ?? []);
        }

        return NotebookResult.Of(notebook, path);
    }

    // Lines of comments may have changed since.
    private static string Code(JsonObject cell) =>
        string.Join('\n', NotebookDocument.Source(cell).Split('\n').Select(line => line.TrimEnd())
            .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))).Trim();
}
