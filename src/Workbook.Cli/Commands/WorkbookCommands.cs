using System.CommandLine;

namespace Workbook.Cli.Commands;

/// <summary>The command line. A command is a file of this folder.</summary>
internal static class WorkbookCommands
{
    /// <summary>Whether errors come with their stack traces.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose", "--trace") { Description = "Prints stack traces with errors.", Recursive = true };

    public static RootCommand Create()
    {
        RootCommand root = new("The pruning workbook. Without a command: runs all notebooks.")
        {
            RunCommand.Create(), PublishCommand.Create(), TranslateCommand.Create(), SweepCommand.Create(), SweepCommand.CreateTask(), DataCommand.Create(),
                RunsCommand.Create(), DoctorCommand.Create(),
        };
        root.Options.Add(Verbose);
        RunCommand.AddTo(root);
        return root;
    }
}
