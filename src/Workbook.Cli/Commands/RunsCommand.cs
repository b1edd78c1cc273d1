using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook runs list|show|prune</c>: the trainings that the notebooks keep.</summary>
internal static class RunsCommand
{
    private static readonly Option<DirectoryInfo?> s_store =
        new("--runs")
        {
            Description = $"The store's folder. Default: {RunStore.Variable}, then artifacts/runs here or above.",
            HelpName = "DIR",
            Recursive = true
        };
    private static readonly Argument<string> s_hash = new("hash") { Description = "The run's hash, or the first digits of it." };
    private static readonly Option<bool> s_all = new("--all") { Description = "Deletes finished runs of this version too." };
    private static readonly Option<double?> s_olderThan =
        new("--older-than") { Description = "Deletes finished runs that ended that long ago, too.", HelpName = "DAYS" };
    private static readonly Option<bool> s_dryRun = new("--dry-run") { Description = "Says what would be deleted, and deletes nothing." };

    static RunsCommand() => s_olderThan.Validators.Add(result =>
    {
        if (result.Tokens.Any(token => !double.TryParse(token.Value, CultureInfo.InvariantCulture, out double days) || !(days >= 0)))
        {
            result.AddError("--older-than needs a number of days from 0");
        }
    });

    public static Command Create()
    {
        Command list = new("list", "Says which trainings are there, running, unfinished or damaged.");
        list.SetAction(parsed => List(Open(parsed)));
        Command show = new("show", "Prints one training: its record, its metrics at the end, its files.") { s_hash };
        show.SetAction(parsed => Show(Open(parsed), parsed.GetValue(s_hash)!));
        Command prune = new("prune", "Deletes what is unfinished, damaged or of another version of the library.") { s_all, s_olderThan, s_dryRun };
        prune.SetAction(parsed => Prune(Open(parsed), parsed.GetValue(s_all), parsed.GetValue(s_olderThan), parsed.GetValue(s_dryRun)));
        return new Command("runs", "Lists, shows and deletes the trainings that the notebooks keep.") { list, show, prune, s_store };
    }

    private static RunStore Open(ParseResult parsed)
    {
        DirectoryInfo? named = parsed.GetValue(s_store);
        return named is { Exists: false } ? throw new WorkbookException($"--runs {named} is not a folder: name the folder that holds the runs")
            : RunStore.Open(named?.FullName);
    }

    private static int List(RunStore store)
    {
        IReadOnlyList<StoredRun> runs = store.List();
        foreach (StoredRun run in runs)
        {
            Console.WriteLine($"{run.Hash}  {State(run),-10}  {Describe(run)}{Otherwise(run, runs)}");
        }

        IEnumerable<string> states = runs.GroupBy(r => r.State).Select(g => $"{g.Count()} {State(g.First())}");
        Console.WriteLine(runs.Count == 0 ? $"no runs in {store.Folder}"
            : $"{string.Join(", ", states)}, {Megabytes(runs.Sum(r => r.Bytes))} in {store.Folder}");
        if (store.Measurements.Files is { Count: > 0 } measured)
        {
            Console.WriteLine($"beside them {Of(measured)}");
        }

        return 0;
    }

    private static int Show(RunStore store, string hash)
    {
        StoredRun[] found = [.. store.List().Where(run => run.Hash.StartsWith(hash, StringComparison.OrdinalIgnoreCase))];
        StoredRun run = found switch
        {
            [] => throw new WorkbookException($"no run begins with {hash}: `workbook runs list` says which there are"),
            [var one] => one,
            _ => throw new WorkbookException($"{found.Length} runs begin with {hash}: give more digits"),
        };
        Console.WriteLine($"{run.Hash}  {State(run)}{(run.Fault is null ? "" : $": {run.Fault}")}");
        if (run.Record is not null)
        {
            Console.WriteLine(JsonSerializer.Serialize(run.Record, RunRecord.Json));
        }

        if (run.Run is { } finished)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ended {finished.Finished:u} after {finished.Seconds:F1} s"));
            foreach ((string name, Curve curve) in finished.Metrics)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"  {name}: {curve.Last:G6} at step {curve.Steps[^1]} ({curve.Steps.Count} values)"));
            }
        }

        foreach (FileInfo file in new DirectoryInfo(run.Folder).EnumerateFiles().OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            Console.WriteLine($"  {file.FullName}  {Megabytes(file.Length)}");
        }

        return 0;
    }

    private static int Prune(RunStore store, bool all, double? olderThan, bool dryRun)
    {
        long bytes = 0;
        int count = 0;
        foreach (StoredRun run in store.List())
        {
            string? reason = run switch
            {
                { State: RunState.Running } => null,
                { State: not RunState.Finished } => State(run),
                { Record.Version: var version } when version != RunRecord.LibraryVersion => $"of {version}",
                { Run.Finished: var ended } when olderThan is { } days && DateTimeOffset.UtcNow - ended >= TimeSpan.FromDays(days) => "old",
                _ => all ? "finished" : null,
            };
            if (reason is not null && (dryRun || store.Delete(run)))
            {
                Console.WriteLine($"{run.Hash}  {reason}");
                bytes += run.Bytes;
                count++;
            }
        }

        FileInfo[] measured = [.. store.Measurements.Files.Where(f =>
            all || (olderThan is { } days && DateTime.UtcNow - f.LastWriteTimeUtc >= TimeSpan.FromDays(days)))];
        // Before they go: a file that is gone has no length.
        string more = measured.Length == 0 ? "" : $"; {Of(measured)}";
        if (!dryRun)
        {
            Array.ForEach(measured, f => f.Delete());
        }

        Console.WriteLine($"{(dryRun ? "would delete" : "deleted")} {count} {(count == 1 ? "run" : "runs")}, {Megabytes(bytes)}{more}");
        return 0;
    }

    private static string State(StoredRun run) => run.State.ToString().ToLowerInvariant();

    private static string Describe(StoredRun run)
    {
        string metrics = run.Run is null ? "" : string.Concat(run.Run.Metrics.Where(m => m.Key.EndsWith("accuracy", StringComparison.Ordinal))
            .Select(m => string.Create(CultureInfo.InvariantCulture, $", {m.Key} {m.Value.Last:P2}")));
        return $"{run.Record?.ToString() ?? "?"}{metrics}, {Megabytes(run.Bytes)}";
    }

    /// <summary>Of one training the store may have several runs, each by a library or a model that computed otherwise.</summary>
    private static string Otherwise(StoredRun run, IReadOnlyList<StoredRun> runs)
    {
        StoredRun? first = runs.FirstOrDefault(other => other.Run is not null && other.Record!.Hash == run.Run?.Record.Hash);
        return first is null || first == run || run.Record!.Behaviour is not { } now || first.Record!.Behaviour is not { } before ? ""
            : $"; computed otherwise than {first.Hash}: {now.DifferenceFrom(before)}";
    }

    private static string Of(IReadOnlyList<FileInfo> measured) =>
        $"{measured.Count} {(measured.Count == 1 ? "measurement" : "measurements")}, {Megabytes(measured.Sum(f => f.Length))}";

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F1} MB");
}
