using System.CommandLine;
using Spectre.Console;
using Workbook.Cli.Diagnosis;
using Workbook.Cli.Terminal;

namespace Workbook.Cli.Commands;

/// <summary><c>workbook doctor</c>.</summary>
internal static class DoctorCommand
{
    private static readonly Option<bool> s_fix = new("--fix") { Description = "First fetches libtorch, where it is missing, with `dotnet restore`." };

    public static Command Create()
    {
        Command command = new("doctor", "Says what this machine has, what is missing, and how to mend it.") { s_fix };
        command.SetAction(parsed => Run(parsed.GetValue(s_fix)));
        return command;
    }

    private static int Run(bool fix)
    {
        if (fix)
        {
            LibtorchRestore.Run(Console.Error.WriteLine);
        }

        Finding[] findings = [.. Machine.Examine()];
        foreach (Finding finding in findings)
        {
            string mark = finding.State switch
            {
                FindingState.Good => "[green]ok     [/]",
                FindingState.Optional => "[yellow]note   [/]",
                _ => "[red]missing[/]",
            };
            AnsiConsole.Write(new Padder(new Markup($"{mark} {PlainText.Markup($"{finding.Subject}: {finding.Text}")}"), new Padding(0)));
            if (finding.Remedy is not null)
            {
                AnsiConsole.Write(new Padder(new Text(finding.Remedy), new Padding(8, 0, 0, 0)));
            }
        }

        return findings.Any(finding => finding.State == FindingState.Missing) ? 1 : 0;
    }
}
