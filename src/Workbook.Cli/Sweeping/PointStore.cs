using System.Text.Json;

namespace Workbook.Cli.Sweeping;

/// <summary>
/// The points of all sweeps, in the run store's folder and by its rules: one folder a point under its hash, written under
/// another name and renamed when complete; whoever holds a point's lock works on it, and nobody else. Failures have a folder of their own.
/// </summary>
internal sealed class PointStore
{
    private const string FinishedFolder = "points";
    private const string FailedFolder = "failed";

    /// <param name="store">The run store's folder.</param>
    /// <exception cref="WorkbookException">The folder is no run store, or can't be written.</exception>
    public PointStore(string store)
    {
        Store = store;
        Folder = Path.Combine(store, RunStore.SweepsFolder);
        StoreFolder.Check(store);
        Writing(() =>
        {
            StoreFolder.Prepare(store);
            Directory.CreateDirectory(Path.Combine(Folder, FinishedFolder));
            Directory.CreateDirectory(Path.Combine(Folder, FailedFolder));
        });
    }

    /// <summary>The run store's folder.</summary>
    public string Store { get; }

    /// <summary>Where points and sweeps are.</summary>
    public string Folder { get; }

    /// <summary>Whether a point is finished, without a look inside.</summary>
    public bool Has(SweepPoint point) => Directory.Exists(Finished(point));

    /// <summary>A finished point's outcome, its files checked; null where it is not there, or damaged.</summary>
    public PointOutcome? Find(SweepPoint point) => Read(Finished(point));

    /// <summary>How a point failed when it was last tried; null where it did not.</summary>
    public PointOutcome? FindFailure(SweepPoint point) => Read(Failed(point));

    /// <summary>The right to work on a point; null while somebody else has it.</summary>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    public FileLock? TryTake(SweepPoint point)
    {
        FileLock? taken = null;
        Writing(() => taken = StoreFolder.TryTake(Path.Combine(Folder, FinishedFolder), point.Hash));
        return taken;
    }

    /// <summary>A folder for the files of a point whose lock is held; what a dead process left of it is deleted.</summary>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    public string Begin(SweepPoint point)
    {
        string working = Path.Combine(Folder, FinishedFolder, $".{point.Hash}.{Guid.NewGuid():N}");
        Writing(() =>
        {
            foreach (string left in StoreFolder.Leftovers(Path.Combine(Folder, FinishedFolder), point.Hash))
            {
                Directory.Delete(left, recursive: true);
            }

            Directory.CreateDirectory(working);
        });
        return working;
    }

    /// <summary>Keeps what <see cref="Begin"/>'s folder holds as the point's outcome: from here on it is finished, or has failed.</summary>
    /// <exception cref="WorkbookException">The store can't be written; the point is neither.</exception>
    public void Keep(string working, PointOutcome outcome) => Writing(() =>
    {
        outcome.Write(working);
        CheckSums.Write(working);
        string place = outcome.Error is null ? Finished(outcome.Point) : Failed(outcome.Point);
        Remove(place); // a damaged one, or an earlier failure
        StoreFolder.Move(working, place);
        if (outcome.Error is null)
        {
            Remove(Failed(outcome.Point));
        }
    });

    /// <summary>Forgets that a point failed.</summary>
    /// <exception cref="WorkbookException">The store can't be written.</exception>
    public void Forgive(SweepPoint point) => Writing(() => Remove(Failed(point)));

    /// <summary>Says one line where the store can't be written.</summary>
    public void Writing(Action write) => StoreFolder.Writing(Store, write);

    private static PointOutcome? Read(string folder)
    {
        try
        {
            if (!Directory.Exists(folder))
            {
                return null;
            }

            CheckSums.Check(folder);
            PointOutcome outcome = PointOutcome.Read(folder);
            return outcome.Point.Hash == Path.GetFileName(folder) ? outcome : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException or WorkbookException)
        {
            return null;
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            StoreFolder.Delete(folder);
        }
    }

    private string Finished(SweepPoint point) => Path.Combine(Folder, FinishedFolder, point.Hash);

    private string Failed(SweepPoint point) => Path.Combine(Folder, FailedFolder, point.Hash);
}
