using System.CommandLine;
using Workbook.Native;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook data fetch|list</c>: data sets, texts, and models that others have trained.</summary>
internal static class DataCommand
{
    private static readonly Option<DirectoryInfo?> s_to =
        new("--data") { Description = "The folder they go to; by default the cache of all notebooks.", HelpName = "DIR" };
    private static readonly Option<DirectoryInfo?> s_in =
        new("--data") { Description = $"The folder they lie in; by default {EnvironmentVariables.Data}, else the cache of all notebooks.", HelpName = "DIR" };

    public static Command Create()
    {
        Argument<string[]> names = new("name")
        {
            Description = "mnist, fashion-mnist; the text moby-dick; the models minilm, resnet18. By default the two data sets.",
            DefaultValueFactory = _ =>
            ["mnist", "fashion-mnist"]
        };
        Command fetch = new("fetch", "Downloads what is missing or damaged; contents are checked by SHA-256.") { names, s_to };
        fetch.SetAction((parsed, cancel) => Task.Run(() => Fetch(parsed.GetValue(names)!, parsed.GetValue(s_to)?.FullName, cancel), CancellationToken.None));
        Command list = new("list", "Says which data sets, texts and models there are and what is here of them.") { s_in };
        list.SetAction(parsed => List(parsed.GetValue(s_in)));
        return new Command("data", "Fetches and lists data sets, texts and models.") { fetch, list };
    }

    private static int Fetch(string[] names, string? folder, CancellationToken cancel)
    {
        string[] known = [.. Manifest.Embedded.Datasets.Select(d => d.Name), Texts.Status().Name, .. PretrainedModels.Names];
        if (names.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
        {
            throw new WorkbookException($"there is no data set '{unknown}', nor a text or model, to fetch: choose from {string.Join(", ", known)}");
        }

        foreach (string name in names)
        {
            try
            {
                DownloadLines progress = new(Console.Error.WriteLine);
                string where = PretrainedModels.Names.Contains(name) ? PretrainedModels.Fetch(name, folder, Console.Error.WriteLine, cancel)
                    : name == Texts.Status().Name ? Texts.Fetch(folder, progress, cancel: cancel) : Datasets.Fetch(name, folder, progress, cancel: cancel);
                Console.WriteLine($"{name}: complete and verified in {where}");
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine($"error: {name}: interrupted; 'workbook data fetch {name}' goes on where it stopped");
                return 130;
            }
        }

        return 0;
    }

    private static int List(DirectoryInfo? folder)
    {
        if (folder is { Exists: false })
        {
            throw new WorkbookException($"--data {folder} is not a folder: name the folder that holds the data sets");
        }

        foreach (DatasetStatus set in Datasets.List(folder?.FullName).Append(Texts.Status(folder?.FullName)).Concat(PretrainedModels.List(folder?.FullName)))
        {
            string here = set switch
            {
                { Folder: null } => "built in, drawn by code",
                { Verified: true } => $"here, {Megabytes(set.Bytes)}, verified: {set.Folder}",
                { Present: true } => $"here, {Megabytes(set.Bytes)}, not the published content: {set.Folder}",
                _ => $"not here, {Megabytes(set.DownloadBytes)} to download to {set.Folder}",
            };
            Console.WriteLine($"{set.Name,-14}{set.Title} ({set.Licence}): {here}");
        }

        return 0;
    }

    private static string Megabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e6:F1} MB");
}
