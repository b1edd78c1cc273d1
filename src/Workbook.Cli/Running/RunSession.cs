using Spectre.Console;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Progress;
using Workbook.Cli.Report;

namespace Workbook.Cli.Running;

/// <summary>A run of several notebooks, from the first process to the report.</summary>
/// <param name="notebooks">The notebooks.</param>
/// <param name="options">How they are run.</param>
/// <param name="faults">A line for each notebook that was asked for, too, and can't be run.</param>
internal sealed class RunSession(IReadOnlyList<NotebookDocument> notebooks, RunOptions options, IReadOnlyList<string> faults)
{
    public const int Interrupted = 130;

    private readonly Lock _writing = new();

    private string Site => Path.Combine(options.OutputFolder, ReportSite.Folder);

    /// <summary>What came of each notebook, after the run.</summary>
    public IReadOnlyList<NotebookResult> Results { get; private set; } = [];

    /// <returns>The exit code: 0 if every cell ran and every claim of ours that was measured holds.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        if (!Cultures.AreHere)
        {
            await Console.Error.WriteLineAsync(Cultures.Remark).ConfigureAwait(false);
        }

        // The pages come as notebooks finish: who wants to look need not wait for the last.
        await Console.Out.WriteLineAsync($"report: {Path.Combine(Site, "index.html")}").ConfigureAwait(false);
        List<(NotebookRun Run, NotebookResult Result)> done = await RunNotebooksAsync(cancellation).ConfigureAwait(false);
        NotebookResult[] results = [.. done.Select(d => d.Result)];
        foreach ((NotebookRun run, NotebookResult result) in done)
        {
            foreach (string allowed in run.Allowed)
            {
                await Console.Error.WriteLineAsync($"allowed: {result.SourcePath}: {allowed}").ConfigureAwait(false);
            }
        }

        foreach ((NotebookRun run, NotebookResult result) in done.Where(d => d.Result.Error is not null))
        {
            await Console.Error.WriteLineAsync($"error: {result.SourcePath}: {result.Error}").ConfigureAwait(false);
            if (options.Verbose && run.Details is { } details)
            {
                await Console.Error.WriteLineAsync(details).ConfigureAwait(false);
            }
        }

        if (cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("interrupted").ConfigureAwait(false);
            return Interrupted;
        }

        Results = results;
        return Report(notebooks, results, options.OutputFolder, faults) ? 0 : 1;
    }

    /// <summary>Prints and writes what notebooks brought: the claims, the report.</summary>
    /// <returns>Whether every notebook ran to its end and every claim of ours that was measured holds.</returns>
    public static bool Report(
        IReadOnlyList<NotebookDocument> notebooks, IReadOnlyList<NotebookResult> results, string folder, IReadOnlyList<string> faults)
    {
        ClaimSummary summary = new(results);
        summary.Write(folder);
        Print(notebooks, results, summary);
        string site = ReportSite.Write(Path.Combine(folder, ReportSite.Folder), results, out IReadOnlyList<string> unshown);
        string[] all = [.. faults, .. unshown];
        foreach (string fault in all)
        {
            Console.Error.WriteLine("error: " + fault);
        }

        Console.WriteLine(site);
        return all.Length == 0 && results.Count == notebooks.Count && results.All(result => result.Error is null)
            && summary.Errors.Count == 0 && !summary.Failed.Any();
    }

    private async Task<List<(NotebookRun, NotebookResult)>> RunNotebooksAsync(CancellationToken cancellation)
    {
        bool interactive = AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true } && !Console.IsOutputRedirected;
        return interactive
            ? await LiveProgress.Create().StartAsync(context => RunNotebooksAsync(new LiveProgress(context), cancellation)).ConfigureAwait(false)
            : await RunNotebooksAsync(new PlainProgress(), cancellation).ConfigureAwait(false);
    }

    private async Task<List<(NotebookRun, NotebookResult)>> RunNotebooksAsync(IRunProgress progress, CancellationToken cancellation)
    {
        (NotebookRun, NotebookResult)?[] done = new (NotebookRun, NotebookResult)?[notebooks.Count];
        int next = -1;
        bool failed = false;
        using CellTurns turns = new(options.Jobs);
        async Task WorkAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < notebooks.Count;)
            {
                if (cancellation.IsCancellationRequested || (options.FailFast && Volatile.Read(ref failed)))
                {
                    return;
                }

                NotebookRun run = new(notebooks[i], options, progress, turns);
                NotebookResult result = await RunAsync(run, notebooks[i], cancellation).ConfigureAwait(false);
                done[i] = (run, result);
                ShowSoFar(done, cancellation);
                if (result.Error is not null)
                {
                    Volatile.Write(ref failed, true);
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, options.Jobs).Select(_ => WorkAsync())).ConfigureAwait(false);
        return [.. done.Where(d => d is not null).Select(d => d!.Value)];
    }

    private void ShowSoFar((NotebookRun, NotebookResult Result)?[] done, CancellationToken cancellation)
    {
        lock (_writing)
        {
            NotebookResult[] results = [.. done.Where(d => d is not null).Select(d => d!.Value.Result)];
            if (results.Length == notebooks.Count || cancellation.IsCancellationRequested)
            {
                return;
            }

            try
            {
                ReportSite.Write(Site, results, out _, isPart: true);
            }
            catch (WorkbookException)
            {
                // The whole report, at the end, says what is wrong with its folder.
            }
        }
    }

    private async Task<NotebookResult> RunAsync(NotebookRun run, NotebookDocument notebook, CancellationToken cancellation)
    {
        try
        {
            return await run.RunAsync(cancellation).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever one notebook does, also to this program: the others run, and are written.
        catch (Exception e)
#pragma warning restore CA1031
        {
            string output = Path.Combine(options.OutputFolder, notebook.Name + ".ipynb");
            return new(notebook.Name, notebook.Path, output, notebook.Root, [], [], null, options.Verbose ? e.ToString() : e.Message);
        }
    }

    private static void Print(IReadOnlyList<NotebookDocument> notebooks, IReadOnlyList<NotebookResult> results, ClaimSummary summary)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 140;
        }

        if (summary.Claims.Count > 0)
        {
            Console.WriteLine($"measured on {ClaimSummary.RanOn(summary.Claims)}");
            AnsiConsole.Write(ClaimTable.Create(summary));
        }

        foreach (string error in summary.Errors.Concat(
            summary.Failed.Select(claim => $"the claim {claim.Id} does not hold: {claim.MeasuredText}, expected {claim.Expected}")))
        {
            Console.Error.WriteLine("error: " + error);
        }

        foreach (NotebookResult result in results)
        {
            string time = result.Elapsed is { } elapsed ? $" in {elapsed.TotalSeconds:0.0} s" : "";
            Console.WriteLine($"{result.Name}: {(result.Error is null ? "ran" : "failed")}{time}");
        }

        foreach (NotebookDocument left in notebooks.Where(notebook => results.All(result => result.Name != notebook.Name)))
        {
            Console.WriteLine($"{left.Name}: not run (--fail-fast)");
        }
    }
}
