using Workbook.Cli.Notebooks;
using Workbook.Native;

namespace Workbook.Cli.Running;

/// <summary>
/// Gets the data before the first notebook: the download shows in the terminal, and a network that does not answer is
/// waited for once, not by every notebook.
/// </summary>
internal static class DataBeforehand
{
    /// <returns>The options, offline where MNIST was not to be had and the built-in digits do.</returns>
    /// <exception cref="WorkbookException">A data set that was asked for by name can't be had.</exception>
    /// <exception cref="OperationCanceledException">The run was interrupted.</exception>
    public static async Task<RunOptions> GetAsync(IReadOnlyList<NotebookDocument> notebooks, RunOptions options, CancellationToken cancellation)
    {
        string dataset = Asked(options);
        string wanted = dataset == "auto" ? "mnist" : dataset;
        bool isElsewhere = (options.DataFolder ?? EnvironmentVariables.Find(EnvironmentVariables.Data) ?? EnvironmentVariables.Find(EnvironmentVariables.Offline)) is not null;
        if (!IsAskedFor(notebooks) || isElsewhere || Datasets.List().All(set => set.Name != wanted || set.Present || set.Folder is null))
        {
            return options;
        }

        try
        {
            await Task.Run(() => Datasets.Fetch(wanted, null, new DownloadLines(Console.Error.WriteLine), briefly: dataset == "auto", cancel: cancellation), cancellation).ConfigureAwait(false);
            return options;
        }
        catch (WorkbookException e) when (dataset == "auto")
        {
            await Console.Error.WriteLineAsync($"{e.Message}; the notebooks run on the built-in digits").ConfigureAwait(false);
            return options with { Offline = true };
        }
    }

    /// <summary>The data set that the option or the variable names; <c>auto</c> where neither does.</summary>
    public static string Asked(RunOptions options) => options.Dataset ?? EnvironmentVariables.Find(EnvironmentVariables.Dataset) ?? "auto";

    /// <summary>Whether a notebook opens a data set.</summary>
    public static bool IsAskedFor(IReadOnlyList<NotebookDocument> notebooks) =>
        notebooks.SelectMany(n => n.CodeCells).Any(cell => NotebookDocument.Source(cell).Contains("Datasets.Open(", StringComparison.Ordinal));
}
