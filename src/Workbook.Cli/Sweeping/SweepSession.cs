using System.Globalization;
using Spectre.Console;
using Workbook.Cli.Running;

namespace Workbook.Cli.Sweeping;

/// <summary>A sweep from its first point to its summary.</summary>
/// <param name="retry">Whether points that failed are run again.</param>
internal sealed class SweepSession(Sweep sweep, Func<SweepProgress, ISweepEngine> engine, bool retry)
{
    private const int MostListed = 20;

    /// <returns>The exit code: 0 if every point is finished.</returns>
    /// <exception cref="WorkbookException">The store can't be written, or the engine does not answer.</exception>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        sweep.Save();
        if (!Cultures.AreHere)
        {
            await Console.Error.WriteLineAsync(Cultures.Remark).ConfigureAwait(false);
        }

        List<SweepPoint> failed = [], open = [];
        foreach (SweepPoint point in sweep.Points.Where(point => sweep.Store.Find(point) is null))
        {
            bool hasFailed = sweep.Store.FindFailure(point) is not null;
            (hasFailed && !retry ? failed : open).Add(point);
            if (hasFailed && retry)
            {
                sweep.Store.Forgive(point);
            }
        }

        string axes = string.Join(" × ", sweep.Definition.Axes.Select(axis => $"{axis.Name} ({axis.Values.Count})"));
        int finished = sweep.Points.Count - failed.Count - open.Count;
        await Console.Out.WriteLineAsync(
            $"{sweep.Name}: {Points(sweep.Points.Count)}{(axes.Length > 0 ? $", {axes}" : "")}; {finished} finished"
            + $"{(failed.Count > 0 ? $", {failed.Count} failed before (--retry runs them again)" : "")}, {open.Count} to do").ConfigureAwait(false);
        IReadOnlyDictionary<string, string> undone = open.Count > 0 ? await RunAsync(open, sweep.Points.Count - open.Count, cancellation).ConfigureAwait(false)
            : new Dictionary<string, string>();
        return await EndAsync(undone, cancellation.IsCancellationRequested).ConfigureAwait(false);
    }

    private async Task<IReadOnlyDictionary<string, string>> RunAsync(IReadOnlyList<SweepPoint> open, int done, CancellationToken cancellation)
    {
        bool interactive = AnsiConsole.Profile.Capabilities is { Ansi: true, Interactive: true } && !Console.IsOutputRedirected;
        return interactive
            ? await AnsiConsole.Progress().Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn())
                .StartAsync(context => WithAsync(context)).ConfigureAwait(false)
            : await WithAsync(null).ConfigureAwait(false);

        Task<IReadOnlyDictionary<string, string>> WithAsync(ProgressContext? live)
        {
            SweepProgress progress = new(sweep.Points.Count, done, live);
            ISweepEngine chosen = engine(progress);
            progress.Say(chosen.Describe());
            return chosen.RunAsync(open, cancellation);
        }
    }

    private async Task<int> EndAsync(IReadOnlyDictionary<string, string> undone, bool interrupted)
    {
        SweepSummary summary = new(sweep);
        sweep.Store.Writing(() => summary.Write(sweep.Folder));
        List<string> lines = [.. summary.Failed.Select(f => $"{f.Point} failed: {f.Error}")];
        lines.AddRange(interrupted ? [] : summary.Missing.Select(point =>
            $"{point} is not done: {undone.GetValueOrDefault(point.Hash, "it was not reached")}"));
        foreach (string line in lines.Take(MostListed))
        {
            await Console.Error.WriteLineAsync("error: " + line).ConfigureAwait(false);
        }

        if (lines.Count > MostListed)
        {
            await Console.Error.WriteLineAsync($"error: and {lines.Count - MostListed} more, in the summary").ConfigureAwait(false);
        }

        if (!interrupted)
        {
            summary.Print();
        }

        string left = summary.Missing.Count > 0 ? $", {summary.Missing.Count} not done (`workbook sweep --resume` goes on)" : "";
        string wrong = summary.Failed.Count > 0 ? $", {summary.Failed.Count} failed (--retry runs them again)" : "";
        await Console.Out.WriteLineAsync(
            $"{(interrupted ? "interrupted: " : "")}{summary.Finished.Count} of {Points(sweep.Points.Count)} finished{wrong}{left}").ConfigureAwait(false);
        await Console.Out.WriteLineAsync(SweepSummary.PathsIn(sweep.Folder)).ConfigureAwait(false);
        return interrupted ? RunSession.Interrupted : summary.Finished.Count == sweep.Points.Count ? 0 : 1;
    }

    private static string Points(int count) => string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {(count == 1 ? "point" : "points")}");
}
