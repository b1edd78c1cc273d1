using System.Text;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;

namespace Workbook.Cli.Publishing;

/// <summary>Writes executed notebooks back for the repository, with the pictures and the claims that its README shows.</summary>
internal static class Publication
{
    private const string Images = "images";

    /// <summary>Draws and checks everything, then writes it; returns the files that were written.</summary>
    /// <exception cref="WorkbookException">A notebook is not fit for the repository; nothing is written.</exception>
    public static async Task<IReadOnlyCollection<string>> WriteAsync(IReadOnlyList<NotebookResult> results, string browser, CancellationToken cancellation)
    {
        OrderedDictionary<string, byte[]> files = [];
        Dictionary<string, NotebookDocument> published = [];
        foreach (NotebookResult result in results)
        {
            NotebookDocument notebook = new(result.SourcePath, result.Document.DeepClone().AsObject());
            try
            {
                await PublishedNotebook.DrawChartsAsync(notebook, browser, cancellation).ConfigureAwait(false);
                if (PublishedNotebook.Faults(notebook).FirstOrDefault() is { } fault)
                {
                    throw new WorkbookException(fault);
                }

                foreach ((string name, byte[] picture) in PublishedNotebook.NamedPictures(notebook))
                {
                    files[Path.Combine(Path.GetDirectoryName(notebook.Path)!, Images, name + ".png")] = picture;
                }
            }
            catch (WorkbookException e)
            {
                throw new WorkbookException($"{result.SourcePath} can't be published, and nothing was: {e.Message}", e);
            }

            files[notebook.Path] = JupyterJson.Serialize(notebook.Root);
            published[notebook.Path] = notebook;
        }

        foreach (string folder in published.Keys.Select(path => Path.GetDirectoryName(path)!).Distinct())
        {
            RenewReadmes(folder, published, files);
        }

        foreach ((string path, byte[] content) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, content);
        }

        return files.Keys;
    }

    // The READMEs beside the notebooks' folder tell the claims of all that lie there, also of those that are not published now.
    private static void RenewReadmes(string folder, Dictionary<string, NotebookDocument> published, OrderedDictionary<string, byte[]> files)
    {
        NotebookDocument[] all = Readme.NotebooksIn(folder, published);
        JsonArray papers = PaperTable.Read(PaperTable.PathFor(folder));
        foreach ((string path, string text) in Readme.In(folder, all, (before, edition) =>
            PaperTable.Renew(ReadmeClaims.Renew(before, all, edition), papers, all, edition)))
        {
            files[path] = Encoding.UTF8.GetBytes(text);
        }
    }
}
