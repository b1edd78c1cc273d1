using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Workbook.Cli.Sweeping;

/// <summary>
/// Runs points as one job array of a Slurm cluster. Each task runs this program on a node, which takes its points from the sweep's folder
/// on the shared file system and keeps their outcomes in the store there. How it goes, <c>squeue</c> and the store say; no accounting
/// database is asked, and Slurm alone decides what runs where and when (partition, account and the like come from Slurm's own SBATCH_ variables).
/// </summary>
/// <param name="jobs">How many tasks at once; null for as many as Slurm gives.</param>
internal sealed partial class SlurmEngine(Sweep sweep, int? jobs, SweepProgress progress) : ISweepEngine
{
    /// <summary>The hidden command of a task: the sweep's folder and, from Slurm's variables, which of the array's tasks it is.</summary>
    public const string TaskCommand = "sweep-task";

    private const string JobFile = "slurm-job";
    private const string LogFolder = "slurm";
    private const int DefaultArray = 1000;

    private readonly string _name = $"workbook-{sweep.Hash[..8]}";

    public string Describe() => jobs is null ? "on the cluster" : $"up to {jobs} at a time on the cluster";

    public async Task<IReadOnlyDictionary<string, string>> RunAsync(IReadOnlyList<SweepPoint> points, CancellationToken cancellation)
    {
        if (await ActiveAsync().ConfigureAwait(false) is { } begun)
        {
            // An array of before: what it leaves is submitted anew, its own failures are not.
            await WatchAsync(begun, cancellation).ConfigureAwait(false);
            points = [.. points.Where(point => !sweep.Store.Has(point) && sweep.Store.FindFailure(point) is null)];
            if (points.Count == 0 || cancellation.IsCancellationRequested)
            {
                return new Dictionary<string, string>();
            }
        }

        string job = await SubmitAsync(points).ConfigureAwait(false);
        return await WatchAsync(job, cancellation).ConfigureAwait(false)
            ? points.ToDictionary(point => point.Hash, _ =>
                $"its job ended before it (job array {job}: see the logs in {Path.Combine(sweep.Folder, LogFolder)})")
            : new Dictionary<string, string>();
    }

    /// <summary>Waits until an array has left the queue; cancels it when the sweep is.</summary>
    /// <returns>Whether it went by itself.</returns>
    private async Task<bool> WatchAsync(string job, CancellationToken cancellation)
    {
        string? complaint = null;
        TimeSpan pause = TimeSpan.FromSeconds(0.5);
        try
        {
            while (true)
            {
                (int exit, string output, string errors) = await CallAsync("squeue", ["--noheader", "--array", $"--jobs={job}", "--format=%T %r"])
                    .ConfigureAwait(false);
                string[] tasks = exit == 0 ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
                bool isGone = exit == 0 ? tasks.Length == 0 : errors.Contains("Invalid job id", StringComparison.OrdinalIgnoreCase);
                if (exit != 0 && !isGone && complaint != errors)
                {
                    progress.Say($"squeue does not answer and is asked again: {FirstLine(errors)}"); // the controller may be restarting
                    complaint = errors;
                }

                int finished = sweep.Points.Count(sweep.Store.Has),
                    failed = sweep.Points.Count(point => !sweep.Store.Has(point) && sweep.Store.FindFailure(point) is not null);
                progress.Watch(finished + failed, failed, State(tasks));
                if (isGone)
                {
                    return true;
                }

                await Task.Delay(pause, cancellation).ConfigureAwait(false);
                pause = TimeSpan.FromSeconds(Math.Min(15, pause.TotalSeconds * 1.2));
            }
        }
        catch (OperationCanceledException)
        {
            await CallAsync("scancel", [job]).ConfigureAwait(false);
            return false;
        }
    }

    /// <summary>What a task of the array does: its points, one after the other.</summary>
    /// <param name="stride">How many tasks there are; task i has the points i, i + stride, …</param>
    public static async Task<int> RunTaskAsync(Sweep sweep, int stride, CancellationToken cancellation)
    {
        if (!int.TryParse(Environment.GetEnvironmentVariable("SLURM_ARRAY_TASK_ID"), CultureInfo.InvariantCulture, out int task) || task >= stride)
        {
            throw new WorkbookException("this command is for the tasks of a job array: use `workbook sweep --engine slurm`");
        }

        int processors = int.TryParse(Environment.GetEnvironmentVariable("SLURM_CPUS_PER_TASK"), CultureInfo.InvariantCulture, out int given) ? given : 1;
        PointRun run = new(sweep, sweep.Definition.Memory, processors);
        bool allDone = true;
        for (int i = task; i < sweep.Points.Count && !cancellation.IsCancellationRequested; i += stride)
        {
            SweepPoint point = sweep.Points[i];
            (Attempt attempt, string? why, _) = await run.TryAsync(point, cancellation).ConfigureAwait(false);
            while (attempt == Attempt.Elsewhere && !cancellation.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None).ConfigureAwait(false);
                (attempt, why, _) = await run.TryAsync(point, cancellation).ConfigureAwait(false);
            }

            await Console.Out.WriteLineAsync($"{point}: {attempt.ToString().ToLowerInvariant()}{(why is null ? "" : ": " + why)}").ConfigureAwait(false);
            allDone &= attempt is Attempt.Finished;
        }

        return allDone ? 0 : 1;
    }

    private async Task<string> SubmitAsync(IReadOnlyList<SweepPoint> points)
    {
        int stride = Math.Min(sweep.Points.Count, await MostTasksAsync().ConfigureAwait(false));
        HashSet<string> wanted = [.. points.Select(point => point.Hash)];
        int[] tasks = [.. sweep.Points.Select((point, i) => (point, i)).Where(p => wanted.Contains(p.point.Hash)).Select(p => p.i % stride).Distinct().Order()];
        string logs = Path.Combine(sweep.Folder, LogFolder);
        using (FileLock? held = sweep.Store.TryTake(points[0]), second = held is null ? null : sweep.Store.TryTake(points[0]))
        {
            if (second is not null)
            {
                throw new WorkbookException($"the file system of {sweep.Store.Store} has no locks (flock), so that nodes could do a point twice: name a "
                    + $"folder on another with --runs");
            }
        }

        sweep.Store.Writing(() => Directory.CreateDirectory(logs));
        List<string> arguments =
        [
            "--parsable", $"--job-name={_name}", $"--array={Ranges(tasks)}{(jobs is null ? "" : $"%{jobs}")}", $"--output={Path.Combine(logs, "%A_%a.log")}",
            "--ntasks=1", $"--chdir={Path.GetDirectoryName(sweep.Definition.Notebook)}",
        ];
        if (sweep.Definition.Timeout is { } seconds)
        {
            double minutes = (seconds + 60) * Math.Ceiling((double)sweep.Points.Count / stride) / 60; // each point stops itself before
            arguments.Add($"--time={Math.Ceiling(minutes):0}");
        }

        if (sweep.Definition.Memory is { } bytes)
        {
            arguments.Add($"--mem={Math.Ceiling((bytes * 1.1 / (1 << 20)) + 200):0}M"); // and the process that looks after it
        }

        string program = Environment.ProcessPath!;
        string[] command = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, typeof(SlurmEngine).Assembly.Location] : [program];
        string[] task = [.. command, TaskCommand, sweep.Folder, stride.ToString(CultureInfo.InvariantCulture)];
        arguments.Add($"--wrap=exec {string.Join(' ', task.Select(word => $"'{word.Replace("'", "'\\''")}'"))}");
        (int exit, string output, string errors) = await CallAsync("sbatch", arguments).ConfigureAwait(false);
        string job = output.Split(';')[0].Trim();
        if (exit != 0 || job.Length == 0)
        {
            throw new WorkbookException($"sbatch does not take the sweep: {FirstLine(errors)}");
        }

        sweep.Store.Writing(() => AtomicFile.Write(Path.Combine(sweep.Folder, JobFile), System.Text.Encoding.ASCII.GetBytes(job)));
        progress.Say($"submitted job array {job} with {tasks.Length} {(tasks.Length == 1 ? "task" : "tasks")}; logs in {logs}");
        return job;
    }

    /// <summary>This sweep's array that is still in the queue, as one is after its sweep was killed; null if there is none.</summary>
    private async Task<string?> ActiveAsync()
    {
        string file = Path.Combine(sweep.Folder, JobFile);
        if (!File.Exists(file))
        {
            return null;
        }

        string job = await File.ReadAllTextAsync(file).ConfigureAwait(false);
        (int exit, string output, _) = await CallAsync("squeue", ["--noheader", $"--jobs={job}", "--format=%j"]).ConfigureAwait(false);
        bool isThere = exit == 0 && output.Contains(_name, StringComparison.Ordinal);
        if (isThere)
        {
            progress.Say($"job array {job} is still in the queue: waiting for it");
        }

        return isThere ? job : null;
    }

    private static async Task<int> MostTasksAsync()
    {
        (_, string output, _) = await CallAsync("scontrol", ["show", "config"]).ConfigureAwait(false);
        return MaxArraySize().Match(output) is { Success: true } size ? Math.Max(1, int.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture) - 1)
            : DefaultArray;
    }

    private static string State(string[] tasks)
    {
        // The state, and for tasks that wait the reason.
        IEnumerable<string> states = tasks.Select(line => line.Split(' ', 2) is ["PENDING", var reason] ? $"pending ({reason})"
            : line.Split(' ')[0].ToLowerInvariant());
        return string.Join(", ", states.GroupBy(state => state).OrderByDescending(g => g.Key).Select(g => $"{g.Count()} {g.Key}"));
    }

    private static string Ranges(int[] tasks)
    {
        List<(int First, int Last)> ranges = [];
        foreach (int task in tasks)
        {
            if (ranges.Count > 0 && ranges[^1].Last == task - 1)
            {
                ranges[^1] = (ranges[^1].First, task);
            }
            else
            {
                ranges.Add((task, task));
            }
        }

        return string.Join(',', ranges.Select(r => r.First == r.Last ? $"{r.First}" : $"{r.First}-{r.Last}"));
    }

    private static async Task<(int Exit, string Output, string Errors)> CallAsync(string program, IEnumerable<string> arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().ConfigureAwait(false);
            return (process.ExitCode, await output.ConfigureAwait(false), await errors.ConfigureAwait(false));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new WorkbookException($"there is no `{program}` here: run --engine slurm where the cluster's jobs are submitted");
        }
    }

    private static string FirstLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .FirstOrDefault("no answer");

    [GeneratedRegex(@"^MaxArraySize\s*=\s*(\d+)", RegexOptions.Multiline)]
    private static partial Regex MaxArraySize();
}
