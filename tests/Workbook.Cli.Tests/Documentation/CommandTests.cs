using System.CommandLine;
using System.CommandLine.Parsing;
using Markdig.Syntax;
using Workbook.Cli.Commands;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

/// <summary>The commands that the README and docs tell a reader to type.</summary>
public sealed class CommandTests
{
    private const string FromTheClone = "dotnet run -c Release --project src/Workbook.Cli";

    [Theory]
    [MemberData(nameof(Documents.All), MemberType = typeof(Documents))]
    public void The_workbooks_commands_are_commands_and_their_notebooks_are_there(string name) =>
        Assert.Equal("", string.Join('\n', Commands(Documents.Text(name)).SelectMany(Faults)));

    [Fact]
    public void Commands_are_found_in_blocks_of_a_shell()
    {
        string[] all = [.. Documents.Names.SelectMany(name => Commands(Documents.Text(name)))];
        Assert.Contains("", all);
        Assert.Contains("sweep --resume", all);
        Assert.Contains("data fetch minilm", all);
        Assert.Contains(all, command => command.StartsWith("sweep 02-lottery-ticket.ipynb ", StringComparison.Ordinal));
        Assert.NotEmpty(Faults("swep --resume"));
        Assert.NotEmpty(Faults("run --profile slow"));
        Assert.Equal(["run notebooks/none.ipynb: notebooks/none.ipynb is not there"], Faults("run notebooks/none.ipynb"));
    }

    [Fact]
    public void The_script_of_the_first_run_runs_the_readmes_commands()
    {
        string[] first = [.. Lines(Documents.Text("README.md")).Take(2)];
        Assert.Equal([FromTheClone, "dotnet test -c Release"], first);
        string[] script = File.ReadAllLines(Repository.PathOf(".ci", "run"));
        Assert.Contains(first[0], script);
        Assert.Contains(script, line => line.EndsWith(" " + first[1], StringComparison.Ordinal));
    }

    private static IEnumerable<string> Faults(string command)
    {
        ParseResult parsed = WorkbookCommands.Create().Parse(CommandLineParser.SplitCommandLine(command).ToArray());
        return parsed.Errors.Select(error => $"{command}: {error.Message}")
            .Concat(parsed.Tokens.Where(token => token.Value.StartsWith("notebooks/", StringComparison.Ordinal)
                && !File.Exists(Repository.PathOf(token.Value.Split('/')))).Select(token => $"{command}: {token.Value} is not there"));
    }

    // What follows the program's name, whichever way it is called.
    private static IEnumerable<string> Commands(string text) => Lines(text).Select(line => line switch
    {
        FromTheClone => "",
        _ when line.StartsWith(FromTheClone + " -- ", StringComparison.Ordinal) => line[(FromTheClone.Length + 4)..],
        _ when line.IndexOf("/Workbook.Cli ", StringComparison.Ordinal) is > 0 and var at && !line.Contains("dotnet", StringComparison.Ordinal)
            => line[(at + "/Workbook.Cli ".Length)..],
        _ => null,
    }).OfType<string>();

    // Without comments, which stand two spaces behind.
    private static IEnumerable<string> Lines(string text) => Documents.Read(text).Descendants<FencedCodeBlock>().Where(block => block.Info == "sh")
        .SelectMany(block => block.Lines.ToString().Split('\n')).Select(line => line.Split("  #")[0].Trim()).Where(line => line.Length > 0);
}
