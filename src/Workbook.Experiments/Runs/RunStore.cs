using System.Diagnostics;
using Workbook.Native;

namespace Workbook;

/// <summary>How far a stored run is.</summary>
public enum RunState
{
    /// <summary>Complete, every file as it was written.</summary>
    Finished,

    /// <summary>A process is at it.</summary>
    Running,

    /// <summary>Its process ended before it was done; it starts again when it is asked for.</summary>
    Unfinished,

    /// <summary>A file is missing or not as it was written; it is done again when it is asked for.</summary>
    Damaged,
}

/// <summary>A run as a list shows it.</summary>
/// <param name="Hash">The folder's name: the record's hash, with a number behind it where several runs have that hash.</param>
/// <param name="State">How far it is.</param>
/// <param name="Record">What was asked for; null where that can't be read.</param>
/// <param name="Run">The run, where it is finished.</param>
/// <param name="Bytes">What its files take.</param>
/// <param name="Fault">What is wrong with a damaged one.</param>
/// <param name="Folder">Where its files are.</param>
public sealed record StoredRun(string Hash, RunState State, RunRecord? Record, Run? Run, long Bytes, string? Fault, string Folder);

/// <summary>
/// Finished trainings, kept under the hash of what they are: whoever asks for the same training again gets it at once.
/// One folder a run, written under another name and renamed when complete, so that a run is there whole or not at all.
/// </summary>
public sealed partial class RunStore
{
    /// <summary>The environment variable that names the store's folder.</summary>
    public const string Variable = EnvironmentVariables.Runs;

    /// <summary>The folder in a store that is no run's: what sweeps over notebooks keep.</summary>
    internal const string SweepsFolder = "sweeps";

    private readonly Action<string>? _report;

    private RunStore(string folder, Action<string>? report)
    {
        (Folder, _report) = (folder, report);
        Measurements = new(folder, report);
    }

    /// <summary>Opens a store; nothing is written before a run begins.</summary>
    /// <param name="folder">By default what <see cref="Variable"/> names, else <c>artifacts/runs</c> in the nearest folder, from the current one upwards, that
    /// has <c>artifacts</c>.</param>
    /// <param name="report">Gets a line when a damaged run is done again, or another process is waited for.</param>
    /// <exception cref="WorkbookException">The folder is a file, holds other things, or is of another version of the library.</exception>
    public static RunStore Open(string? folder = null, Action<string>? report = null)
    {
        RunStore store = new(Path.GetFullPath(folder ?? StoreFolder.Default()), report);
        StoreFolder.Check(store.Folder);
        return store;
    }

    /// <summary>Where the runs are.</summary>
    public string Folder { get; }

    /// <summary>The finished run of a record, or null; one that was trained otherwise (<see cref="RunRecord.Behaviour"/>) is none.</summary>
    public Run? Find(RunRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return Find(record, out _);
    }

    /// <summary>The run of a record: at once if it is finished, else <paramref name="train"/> is called and its result kept.</summary>
    /// <param name="record">Everything that the result depends on.</param>
    /// <param name="train">The training. A process or thread that asks for the same run meanwhile waits for it.</param>
    /// <exception cref="WorkbookException">The weights hold NaN or infinity, or the store can't be written.</exception>
    public Run Get(RunRecord record, Func<RunResult> train)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(train);
        string hash = record.Hash;
        if (Find(record, out _) is { } finished)
        {
            return finished;
        }

        Writing(() => StoreFolder.Prepare(Folder));
        using FileLock held = Wait(hash, record);
        if (Find(record, out string? fault) is { } meanwhile)
        {
            return meanwhile;
        }

        if (fault is not null)
        {
            _report?.Invoke($"{fault}; it is done again");
        }

        string folder = FolderFor(hash);
        string working = Path.Combine(Folder, $".{hash}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            Writing(() =>
            {
                foreach (string left in StoreFolder.Leftovers(Folder, hash).Append(folder).Where(Directory.Exists))
                {
                    StoreFolder.Delete(left);
                }

                RunFolder.Begin(working, record);
            });
            Stopwatch watch = Stopwatch.StartNew();
            RunResult result = train();
            if (result.Checkpoints.Values.Prepend(result.Weights).Select(Numbers.Unsound).FirstOrDefault(name => name is not null) is { } unsound)
            {
                throw new WorkbookException($"run {hash} ({record}) ends with NaN or infinity in '{unsound}': the training has diverged, and is not kept");
            }

            Writing(() =>
            {
                RunFolder.Fill(working, record, result, watch.Elapsed.TotalSeconds);
                StoreFolder.Move(working, folder);
            });
            return RunFolder.Read(folder);
        }
        finally
        {
            StoreFolder.DeleteQuietly(working);
        }
    }

    /// <summary>Everything in the store, finished runs in the order in which they ended, then the others.</summary>
    public IReadOnlyList<StoredRun> List()
    {
        if (!Directory.Exists(Folder))
        {
            return [];
        }

        List<StoredRun> runs = [];
        foreach (string folder in Directory.EnumerateDirectories(Folder)
            .Where(f => Path.GetFileName(f) is not (StoreFolder.LocksFolder or SweepsFolder or Measurements.FolderName)))
        {
            string[] parts = Path.GetFileName(folder).Split('.');
            StoredRun? run = parts is ["", var hash, ..] ? Unfinished(folder, hash) : Complete(folder);
            if (run is not null)
            {
                runs.Add(run);
            }
        }

        return [.. runs.OrderBy(r => r.State).ThenBy(r => r.Run?.Finished).ThenBy(r => r.Hash, StringComparer.Ordinal)];
    }

    /// <summary>Deletes a run; one that a process is at is left.</summary>
    /// <returns>Whether it was deleted.</returns>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    public bool Delete(StoredRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        bool deleted = false;
        Writing(() =>
        {
            using FileLock? held = StoreFolder.TryTake(Folder, StoreFolder.HashOf(run.Folder));
            if (held is not null && Directory.Exists(run.Folder))
            {
                StoreFolder.Delete(run.Folder);
                deleted = true;
            }
        });
        return deleted;
    }

    /// <summary>
    /// The run that was trained as it would be now, among those of the record's hash; they have folders HASH, HASH-2, …, one for each
    /// way of computing that was met (<see cref="RunRecord.Behaviour"/>).
    /// </summary>
    private Run? Find(RunRecord record, out string? fault)
    {
        fault = null;
        foreach (string folder in StoreFolder.Of(Folder, record.Hash))
        {
            try
            {
                Run run = RunFolder.Read(folder);
                if (run.Record.Behaviour is null || record.Behaviour?.DifferenceFrom(run.Record.Behaviour) is not { } difference)
                {
                    return run;
                }

                fault ??= $"run {folder} was trained by a library or a model that computes otherwise (now {difference})";
            }
            catch (WorkbookException e)
            {
                fault = e.Message;
            }
        }

        return null;
    }

    /// <summary>Where the run of a hash goes: where there is none yet, or a damaged one.</summary>
    private string FolderFor(string hash) =>
        StoreFolder.Of(Folder, hash).FirstOrDefault(folder => Complete(folder) is { State: RunState.Damaged })
        ?? Enumerable.Range(1, int.MaxValue).Select(k => Path.Combine(Folder, k == 1 ? hash : $"{hash}-{k}")).First(folder => !Directory.Exists(folder));

    private static StoredRun? Complete(string folder)
    {
        string hash = Path.GetFileName(folder);
        try
        {
            Run run = RunFolder.Read(folder);
            return new(hash, RunState.Finished, run.Record, run, RunFolder.BytesOf(folder), null, folder);
        }
        catch (WorkbookException e)
        {
            return Directory.Exists(folder) ? new(hash, RunState.Damaged, RunFolder.RecordOf(folder), null, RunFolder.BytesOf(folder), e.Message, folder)
                : null;
        }
    }

    private StoredRun? Unfinished(string folder, string hash)
    {
        bool running;
        try
        {
            using FileLock? free = StoreFolder.TryTake(Folder, hash);
            running = free is null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            running = false; // a store that can't be written can still be listed
        }

        return Directory.Exists(folder) ? new(hash, running ? RunState.Running : RunState.Unfinished, RunFolder.RecordOf(folder), null,
            RunFolder.BytesOf(folder), null, folder) : null;
    }

    private FileLock Wait(string hash, RunRecord record)
    {
        bool told = false;
        while (true)
        {
            FileLock? taken = null;
            Writing(() => taken = StoreFolder.TryTake(Folder, hash));
            if (taken is not null)
            {
                return taken;
            }

            if (!told)
            {
                _report?.Invoke($"run {hash} ({record}) is under way elsewhere: waiting for it");
                told = true;
            }

            Thread.Sleep(50);
        }
    }

    private void Writing(Action write) => StoreFolder.Writing(Folder, write);
}
