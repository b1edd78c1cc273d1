using System.CommandLine;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Publishing;
using Workbook.Cli.Running;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook publish</c>.</summary>
internal static class PublishCommand
{
    private static readonly Option<DirectoryInfo?> s_from =
        new("--from") { Description = "Runs nothing: publishes what an earlier run of the same code wrote to this folder.", HelpName = "DIR" };

    private static readonly Option<bool> s_papers = new("--papers")
    {
        Description = "Publishes papers' numbers beside this run's, of the profile paper: docs/papers.json and the README's table. The notebooks stay.",
    };

    public static Command Create()
    {
        Command command = new("publish", "Runs notebooks and writes them back for the repository: pictures in place of charts, the README's claims and "
            + "pictures.") { s_from, s_papers };
        RunCommand.AddArguments(command);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        bool papers = arguments.GetValue(s_papers);
        string browser = papers ? "" : BrowserFinder.Require();
        (int exitCode, IReadOnlyList<NotebookResult> results) = arguments.GetValue(s_from) is { } from
            ? Read(arguments, from)
            : await ExecuteAsync(arguments, cancellation).ConfigureAwait(false);
        // What papers measured stands beside ours whatever became of our own claims; but an interrupted run is none.
        bool ran = exitCode != RunSession.Interrupted && results.Count > 0 && results.All(result => result.Error is null && result.Faults.Count == 0);
        if (exitCode != 0 && !(papers && ran))
        {
            string asked = papers ? "every cell has to run" : "every cell has to run, and every claim to hold";
            await Console.Error.WriteLineAsync($"error: nothing is published: first {asked}").ConfigureAwait(false);
            return exitCode;
        }

        try
        {
            IEnumerable<string> files = papers
                ? PaperTable.Write(results, DateOnly.FromDateTime(DateTime.UtcNow))
                : await Publication.WriteAsync(results, browser, cancellation).ConfigureAwait(false);
            foreach (string file in files)
            {
                await Console.Out.WriteLineAsync($"published {file}").ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("interrupted").ConfigureAwait(false);
            return RunSession.Interrupted;
        }

        return 0;
    }

    private static async Task<(int, IReadOnlyList<NotebookResult>)> ExecuteAsync(ParseResult arguments, CancellationToken cancellation) =>
        await RunCommand.PrepareAsync(arguments, cancellation).ConfigureAwait(false) is { } session
            ? (await session.RunAsync(cancellation).ConfigureAwait(false), session.Results)
            : (RunSession.Interrupted, []);

    private static (int, IReadOnlyList<NotebookResult>) Read(ParseResult arguments, DirectoryInfo from)
    {
        (NotebookDocument[] notebooks, string folder) = RunCommand.Read(arguments, out IReadOnlyList<string> faults);
        IReadOnlyList<NotebookResult> results = FinishedRun.Read(notebooks, from.FullName);
        RunCommand.CreateOutputFolder(folder);
        NotebookDocument[] ran = [.. notebooks.Where(notebook => results.Any(result => result.Name == notebook.Name))];
        return (RunSession.Report(ran, results, folder, faults) ? 0 : 1, results);
    }
}
