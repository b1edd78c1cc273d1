using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Workbook.Cli.Engines;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Report;
using Workbook.Cli.Running;
using Workbook.Cli.Translating;
using Workbook.Native;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook run</c>.</summary>
internal static class RunCommand
{

    internal static readonly Argument<string[]> Notebooks = new("notebooks")
    {
        Description = "Notebooks, or folders with notebooks. Without any: all of the workbook's.",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "notebook or folder",
    };

    internal static readonly Option<string?> Data =
        new("--data") { Description = $"The folder with data sets. Default: the variable {EnvironmentVariables.Data}, then the cache.", HelpName = "DIR" };
    internal static readonly Option<string?> Dataset = new("--dataset") { Description = "Which data set the notebooks use." };
    internal static readonly Option<string?> Profile =
        new("--profile") { Description = "How much the notebooks compute: minutes, or as much as the papers did." };
    internal static readonly Option<string?> Kernel = new("--kernel")
    {
        Description = "What runs the cells: the runner's own engine (C#), or .NET Interactive (packages, magics, F#, PowerShell). "
            + "Default: what the notebook's metadata name, else the runner's own.",
    };

    private static readonly Option<string[]> s_parameters =
        new("-p", "--parameter") { Description = "Sets a variable of the cell tagged `parameters`.", HelpName = "name=value" };
    private static readonly Option<string?> s_out =
        new("--out") { Description = "Where the executed notebooks, the report and claims.json go. Default: artifacts/run.", HelpName = "DIR" };
    private static readonly Option<double?> s_timeout = new("--timeout") { Description = "Stops a notebook that runs longer.", HelpName = "SECONDS" };
    internal static readonly Option<double?> Silence = new("--silence")
    {
        Description = "Stops a notebook that for so long shows nothing and uses no processor time; 0: never. Default: 600.",
        HelpName = "SECONDS",
    };
    private static readonly Option<bool> s_allowErrors = new("--allow-errors")
    {
        Description = "Goes on after a cell that fails. Single cells say it with the tag raises-exception; skip-execution leaves one out.",
    };
    private static readonly Option<int> s_jobs = new("--jobs")
    {
        Description = "How many notebooks run side by side; cells tagged `timing` run alone all the same.",
        HelpName = "N",
        DefaultValueFactory = _ => 1
    };
    private static readonly Option<string?> s_language = new("--language")
    {
        Description = "Demands that the site has this language whole: a text that is not translated, or not as the English is now, is an error before "
            + "anything runs. The site has every language whose translations lie beside the notebooks.",
        HelpName = "CODE",
    };
    private static readonly Option<bool> s_failFast = new("--fail-fast")
    {
        Description = "Stops after the first notebook that fails; one that runs beside it goes on to its end.",
    };
    private static readonly Option<bool> s_inPlace =
        new("--in-place") { Description = "Also writes each notebook that ran without error back to where it was." };

    static RunCommand()
    {
        Dataset.AcceptOnlyFromAmong("auto", "mnist", "fashion-mnist", "digits");
        Profile.AcceptOnlyFromAmong("quick", "paper");
        Kernel.AcceptOnlyFromAmong(Engine.Names);
        s_timeout.Validators.Add(result => Require(result, text => double.TryParse(text, out double seconds) && seconds is > 0 and < 1e6,
            "--timeout needs a number of seconds above 0"));
        Silence.Validators.Add(result => Require(result,
            text => double.TryParse(text, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0 and < 1e6,
            "--silence needs a number of seconds, 0 for no limit"));
        s_jobs.Validators.Add(result => Require(result, text => int.TryParse(text, out int jobs) && jobs >= 1, "--jobs needs a whole number from 1"));
    }

    public static Command Create()
    {
        Command command = new("run", "Runs notebooks headless: executed notebooks, an HTML report and the claims come out. Running a notebook "
            + "runs its code, with all rights that you have: read one of others first, or run it where it can do no harm. Its report is safe to open: what its "
            + "text and names hold runs nothing, and scripts of its outputs run in frames that reach neither the page nor files nor the network.");
        command.Arguments.Add(Notebooks);
        AddTo(command);
        return command;
    }

    /// <summary>Makes a command run notebooks: all, if it has no argument that names some.</summary>
    public static void AddTo(Command command)
    {
        AddOptions(command);
        command.Options.Add(s_inPlace);
        command.SetAction(RunAsync);
    }

    /// <summary>Gives another command, which runs notebooks too, the notebooks and the options to name.</summary>
    public static void AddArguments(Command command)
    {
        command.Arguments.Add(Notebooks);
        AddOptions(command);
    }

    /// <summary>The notebooks that the arguments name, and where what is written about them goes.</summary>
    /// <param name="faults">A line for each notebook that can't be read or run, of several: the others can.</param>
    /// <exception cref="WorkbookException">None of them can.</exception>
    public static (NotebookDocument[] Notebooks, string OutputFolder) Read(ParseResult arguments, out IReadOnlyList<string> faults)
    {
        IReadOnlyList<string> paths = NotebookFinder.Find(arguments.GetValue(Notebooks) ?? []);
        string folder = OutputFolder(arguments.GetValue(s_out), paths);
        List<NotebookDocument> notebooks = [];
        List<WorkbookException> wrong = [];
        foreach (string path in paths)
        {
            try
            {
                NotebookDocument notebook = NotebookReader.Read(path);
                Engine.For(notebook, arguments.GetValue(Kernel)); // what is wrong with it is said before data are fetched
                notebooks.Add(notebook);
            }
            catch (WorkbookException e)
            {
                wrong.Add(e);
            }
        }

        if (arguments.GetValue(s_language) is { } language && Edition.Faults(notebooks, language) is [var first, ..] all)
        {
            throw new WorkbookException($"{first}{(all.Count > 1 ? $" (and {all.Count - 1} more)" : "")}: 'workbook translate --language {language}' shows "
                + "in the file what is to do");
        }

        faults = [.. wrong.Select(e => e.Message)];
        return notebooks.Count > 0 ? ([.. notebooks], folder) : throw wrong[0];
    }

    /// <summary>Readies the run that the arguments ask for.</summary>
    /// <returns>Null if the user interrupted that.</returns>
    public static async Task<RunSession?> PrepareAsync(ParseResult arguments, CancellationToken cancellation)
    {
        (NotebookDocument[] notebooks, string outputFolder) = Read(arguments, out IReadOnlyList<string> faults);
        RunOptions options = new()
        {
            OutputFolder = outputFolder,
            DataFolder = DataFolder(arguments.GetValue(Data)),
            Dataset = arguments.GetValue(Dataset),
            Kernel = arguments.GetValue(Kernel),
            Profile = arguments.GetValue(Profile),
            Timeout = arguments.GetValue(s_timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Silence = RunOptions.SilenceOf(arguments.GetValue(Silence)),
            AllowErrors = arguments.GetValue(s_allowErrors),
            Jobs = arguments.GetValue(s_jobs),
            FailFast = arguments.GetValue(s_failFast),
            InPlace = arguments.GetValue(s_inPlace),
            Verbose = arguments.GetValue(WorkbookCommands.Verbose),
        };
        Parameters.Inject(notebooks, arguments.GetValue(s_parameters) ?? []);
        CreateOutputFolder(options.OutputFolder);
        try
        {
            options = await DataBeforehand.GetAsync(notebooks, options, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("interrupted").ConfigureAwait(false);
            return null;
        }

        return new RunSession(notebooks, options, faults);
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation) =>
        await PrepareAsync(arguments, cancellation).ConfigureAwait(false) is { } session
            ? await session.RunAsync(cancellation).ConfigureAwait(false)
            : RunSession.Interrupted;

    private static void AddOptions(Command command)
    {
        foreach (Option option in (Option[])
            [Data, Dataset, Profile, Kernel, s_parameters, s_out, s_timeout, Silence, s_allowErrors, s_jobs, s_failFast, s_language])
        {
            command.Options.Add(option);
        }
    }

    private static string OutputFolder(string? named, IReadOnlyList<string> notebooks)
    {
        string folder = named is null ? NotebookFinder.DefaultOutputFolder(notebooks) : Path.TrimEndingDirectorySeparator(Path.GetFullPath(named));
        if (File.Exists(folder))
        {
            throw new WorkbookException($"--out {folder} is a file: name a folder");
        }

        // What is written follows links, and a name may be written otherwise.
        return notebooks.FirstOrDefault(path => Path.GetDirectoryName(path) == folder || notebooks.Select(Path.GetFileName).SelectMany(name =>
            new[] { Path.Combine(folder, name!), Path.Combine(folder, ReportSite.Folder, name!) }).Any(written => FileKind.IsSame(path, written))) is { } beside
            ? throw new WorkbookException($"--out {folder} leads to the folder of {Path.GetFileName(beside)}, or to it itself: use --in-place to write "
                + $"executed notebooks there")
            : folder;
    }

    /// <summary>Makes the folder, and finds out whether it can be written to.</summary>
    public static void CreateOutputFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, $".workbook-{Environment.ProcessId}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException($"the output folder {folder} can't be written ({e.Message}): name another with --out");
        }
    }

    /// <summary>The folder with data sets that the option or the variable names; null where neither does.</summary>
    internal static string? DataFolder(string? named)
    {
        string source = named is null ? EnvironmentVariables.Data : "--data";
        named ??= EnvironmentVariables.Find(EnvironmentVariables.Data);
        if (string.IsNullOrEmpty(named))
        {
            return null;
        }

        return Directory.Exists(named) ? Path.GetFullPath(named)
            : throw new WorkbookException($"{source} {named} is not a folder: name the folder that holds the data sets");
    }

    /// <summary>Judges the words themselves: an option's value throws where it can't be read.</summary>
    internal static void Require(OptionResult result, Func<string, bool> isFine, string message)
    {
        if (!result.Tokens.All(token => isFine(token.Value)))
        {
            result.AddError(message);
        }
    }
}
