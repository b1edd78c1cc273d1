using Workbook.Cli.Notebooks;
using Workbook.Data;

namespace Workbook.Cli.Running;

/// <summary>
/// Gets the data before the first notebook: the download shows in the terminal, and a network that does not answer is
/// waited for once, not by every notebook.
/// </summary>
internal static class DataBeforehand
{
    /// <returns>The options, offline where MNIST is out of reach.</returns>
    /// <exception cref="WorkbookException">A data set that was asked for by name can't be had.</exception>
    public static RunOptions Get(IReadOnlyList<NotebookDocument> notebooks, RunOptions options)
    {
        string dataset = options.Dataset ?? Variable("WORKBOOK_DATASET") ?? "auto";
        string wanted = dataset == "auto" ? "mnist" : dataset;
        bool isAsked = notebooks.SelectMany(n => n.CodeCells).Any(cell => NotebookDocument.Source(cell).Contains("Datasets.Open(", StringComparison.Ordinal));
        bool isElsewhere = (options.DataFolder ?? Variable("WORKBOOK_DATA") ?? Variable("WORKBOOK_OFFLINE")) is not null;
        if (!isAsked || isElsewhere || Datasets.List().All(set => set.Name != wanted || set.Present || set.Folder is null))
        {
            return options;
        }

        ImageSet images = Datasets.Open(dataset, report: Console.Error.WriteLine);
        Console.Error.WriteLine(images.Source);
        return options with { Offline = images.Name != wanted };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
