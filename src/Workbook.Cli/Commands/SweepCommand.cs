using System.CommandLine;
using System.Globalization;
using Workbook.Cli.Engines;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Running;
using Workbook.Cli.Sweeping;
using Workbook.Native;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook sweep</c>.</summary>
internal static class SweepCommand
{
    private const double Gigabyte = 1e9;

    private static readonly Argument<string?> s_notebook =
        new("notebook") { Description = "The notebook. With --resume it may be left out: the sweep that was begun last.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string[]> s_parameters =
        new("-p", "--parameter")
        {
            Description = "The values that a variable of the cell tagged `parameters` takes: seed=0..9, sparsity=0.9,0.95.",
            HelpName = "name=values"
        };
    private static readonly Option<string?> s_over =
        new("--over") { Description = "The parameter that means and intervals are taken over. Default: the one called seed.", HelpName = "NAME" };
    private static readonly Option<string> s_engine =
        new("--engine")
        {
            Description = "Where the points run: in processes of this machine, or as a job array of a Slurm cluster.",
            DefaultValueFactory = _ =>
            "local"
        };
    private static readonly Option<int?> s_jobs =
        new("--jobs") { Description = "How many points run at once. Default: as many as cores and memory allow, or Slurm gives.", HelpName = "N" };
    private static readonly Option<bool> s_resume =
        new("--resume")
        {
            Description = "Goes on with the sweep that was begun last (of the notebook, if one is named), whose parameters need not be "
            + "repeated."
        };
    private static readonly Option<bool> s_retry = new("--retry") { Description = "Runs points again that failed." };
    private static readonly Option<double?> s_timeout = new("--timeout") { Description = "Stops a point that runs longer.", HelpName = "SECONDS" };
    private static readonly Option<double?> s_memory =
        new("--memory") { Description = "The most memory that a point may have. Default: its share of what is free.", HelpName = "GB" };
    private static readonly Option<string?> s_store =
        new("--runs")
        {
            Description = $"The store's folder. Default: {RunStore.Variable}, then artifacts/runs here or above. On a cluster: on the shared "
            + $"file system.",
            HelpName = "DIR"
        };

    // What a sweep has from its beginning on.
    private static readonly Option[] s_fixed = [RunCommand.Data, RunCommand.Dataset, RunCommand.Profile, RunCommand.Kernel];

    private static readonly Argument<string> s_folder = new("folder") { Description = "The sweep's folder." };
    private static readonly Argument<int> s_stride = new("stride") { Description = "How many tasks there are." };

    static SweepCommand()
    {
        s_engine.AcceptOnlyFromAmong("local", "slurm");
        s_timeout.Validators.Add(result => RunCommand.Require(result, text => IsNumber(text, 0, 1e7), "--timeout needs a number of seconds above 0"));
        s_memory.Validators.Add(result => RunCommand.Require(result, text => IsNumber(text, 0.2, 1e5),
            "--memory needs a number of gigabytes above 0.2, which an empty notebook takes"));
        s_jobs.Validators.Add(result => RunCommand.Require(result, text => int.TryParse(text, out int jobs) && jobs >= 1,
            "--jobs needs a whole number from 1"));
    }

    public static Command Create()
    {
        Command command = new("sweep", "Runs a notebook for every combination of parameter values, keeps each outcome, and sums up: means with 95 % "
            + "intervals, paired comparisons.") { s_notebook };
        foreach (Option option in (Option[])
            [s_parameters, s_over, s_engine, s_jobs, s_resume, s_retry, s_timeout, RunCommand.Silence, s_memory, .. s_fixed, s_store])
        {
            command.Options.Add(option);
        }

        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>The hidden command that a cluster's nodes run.</summary>
    public static Command CreateTask()
    {
        Command command = new(SlurmEngine.TaskCommand, "A task of a sweep's job array.") { s_folder, s_stride };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(s_folder)!);
            PointStore store = new(Path.GetDirectoryName(Path.GetDirectoryName(folder)!)!);
            return SlurmEngine.RunTaskAsync(Sweep.Load(store, folder), parsed.GetValue(s_stride), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string? path = parsed.GetValue(s_notebook) is { } named ? NotebookFinder.Find([named]) is [var one] ? one
            : throw new WorkbookException($"{named} holds several notebooks: a sweep is over one") : null;
        PointStore store = new(Path.GetFullPath(parsed.GetValue(s_store) ?? StoreFolder.Default()));
        string[] parameters = parsed.GetValue(s_parameters) ?? [];
        Sweep sweep;
        if (parameters.Length == 0 && parsed.GetValue(s_resume))
        {
            if (s_fixed.FirstOrDefault(option => parsed.GetResult(option) is not null) is { } given)
            {
                throw new WorkbookException($"{given.Name} can't be changed while a sweep goes on: leave it out, or name the parameters too and begin "
                    + $"another sweep");
            }

            Sweep last = Sweep.Last(store, path) ??
                throw new WorkbookException($"no sweep {(path is null ? "" : $"of {path} ")}was begun in {store.Store}: name a notebook and parameters");
            if (last.Definition.Version != LibraryCode.Version)
            {
                await Console.Out.WriteLineAsync("the library has changed since this sweep began: it goes on with the points of the library as it is now")
                    .ConfigureAwait(false);
            }

            sweep = last.With(Limits(parsed, last.Definition) with { Version = LibraryCode.Version });
        }
        else if (path is null)
        {
            throw new WorkbookException("name the notebook that the sweep is over");
        }
        else
        {
            try
            {
                sweep = await BeginAsync(parsed, store, path, Axis.Parse(parameters), cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await Console.Error.WriteLineAsync("interrupted").ConfigureAwait(false);
                return RunSession.Interrupted;
            }
        }

        int? jobs = parsed.GetValue(s_jobs);
        bool slurm = parsed.GetValue(s_engine) == "slurm";
        return await new SweepSession(sweep, progress => slurm ? new SlurmEngine(sweep, jobs, progress) : new LocalEngine(sweep, jobs, progress),
            parsed.GetValue(s_retry)).RunAsync(cancellation).ConfigureAwait(false);
    }

    private static async Task<Sweep> BeginAsync(ParseResult parsed, PointStore store, string path, IReadOnlyList<Axis> axes, CancellationToken cancellation)
    {
        Parameters.Inject([NotebookReader.Read(path)],
            [.. axes.Select(axis => $"{axis.Name}={axis.Values[0]}")]); // what is wrong with the parameters, before data are fetched
        NotebookDocument notebook = NotebookReader.Read(path);
        IReadOnlyDictionary<string, string> types = Parameters.Declared(notebook);
        axes = [.. axes.Select(axis => axis.As(types[axis.Name]))];
        string kernel = Engine.For(notebook, parsed.GetValue(RunCommand.Kernel));
        RunOptions options = new()
        {
            OutputFolder = store.Folder,
            DataFolder = RunCommand.DataFolder(parsed.GetValue(RunCommand.Data)),
            Dataset = parsed.GetValue(RunCommand.Dataset)
        };
        options = await DataBeforehand.GetAsync([notebook], options, cancellation).ConfigureAwait(false);
        SweepDefinition definition = new()
        {
            Notebook = path,
            Axes = axes,
            Over = Over(parsed.GetValue(s_over), axes),
            Code = NotebookCode.Hash(notebook),
            Profile = parsed.GetValue(RunCommand.Profile) ?? EnvironmentVariables.Find(EnvironmentVariables.Profile) ?? "quick",
            Dataset = DataBeforehand.LeaveChoice(notebook) ? PointData.Find(options) : null,
            Version = LibraryCode.Version + (kernel == Engine.Own ? "" : $", {kernel}"),
            Kernel = kernel,
            DataFolder = options.DataFolder,
        };
        return Sweep.Of(store, notebook, Limits(parsed, definition));
    }

    private static SweepDefinition Limits(ParseResult parsed, SweepDefinition definition) => definition with
    {
        Timeout = parsed.GetValue(s_timeout) ?? definition.Timeout,
        Silence = parsed.GetValue(RunCommand.Silence) ?? definition.Silence,
        Memory = parsed.GetValue(s_memory) is { } gigabytes ? (long)(gigabytes * Gigabyte) : definition.Memory,
        Over = parsed.GetValue(s_over) is { } over ? Over(over, definition.Axes) : definition.Over,
    };

    private static string? Over(string? named, IReadOnlyList<Axis> axes) => named is null
        ? axes.FirstOrDefault(axis => axis.Name.Equals("seed", StringComparison.OrdinalIgnoreCase))?.Name
            ?? axes.FirstOrDefault(axis => axis.Name.EndsWith("Seed", StringComparison.Ordinal))?.Name
        : axes.FirstOrDefault(axis => axis.Name == named)?.Name
            ?? throw new WorkbookException($"--over {named}: the sweep has no such parameter; it has: {string.Join(", ", axes.Select(axis => axis.Name))}");

    private static bool IsNumber(string text, double above, double below) => double.TryParse(text, CultureInfo.InvariantCulture, out double number)
        && number > above && number < below;
}
