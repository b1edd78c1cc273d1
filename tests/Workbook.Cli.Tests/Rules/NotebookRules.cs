using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Tests.Publishing;
using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>What a Jupyter window shows of a cell without scrolling, and claims that are read alone: in the README, a terminal, a table.</summary>
public sealed partial class NotebookRules
{
    private const int MostLines = 15, MostColumns = 100;

    public static TheoryData<string> Names => CommittedNotebookTests.CommittedNames;

    [Theory]
    [MemberData(nameof(Names))]
    public void Cells_are_short_and_narrow(string name)
    {
        List<string> faults = [];
        foreach ((int index, JsonObject cell) in Read(name).CodeCells.Index())
        {
            string[] lines = NotebookDocument.Source(cell).TrimEnd('\n').Split('\n');
            if (lines.Length > MostLines)
            {
                faults.Add($"code cell {index + 1} has {lines.Length} lines, at most {MostLines} may be");
            }

            faults.AddRange(lines.Where(line => line.Length > MostColumns)
                .Select(line => $"code cell {index + 1} has a line of {line.Length} columns: {line.Trim()[..40]}…"));
        }

        Assert.Equal("", string.Join('\n', faults));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Claims_need_no_claim_before_them(string name)
    {
        string[] statements = [.. ClaimOutputs.Find(Read(name), out _).Select(claim => claim.Statement)];
        Assert.NotEmpty(statements);
        Assert.Equal("", string.Join('\n', statements.Where(statement => statement.StartsWith("And ", StringComparison.Ordinal))));
    }

    // TorchSharp's tensor has overloads for complex numbers, of another version of their assembly than the kernel's: Jupyter shows CS1701, in red.
    [Theory]
    [MemberData(nameof(Names))]
    public void Cells_make_tensors_in_a_way_that_the_kernel_does_not_warn_of(string name) => Assert.Equal("", string.Join('\n', Read(name).CodeCells.Index()
        .Where(cell => MakesTensor().IsMatch(NotebookDocument.Source(cell.Item)))
        .Select(cell => $"code cell {cell.Index + 1} calls tensor(), not from_array()")));

    // Notebooks run side by side: what is timed would share the processors with what others compute.
    [Theory]
    [MemberData(nameof(Names))]
    public void Cells_that_measure_times_are_tagged_so_that_they_run_alone(string name) => Assert.Equal("", string.Join('\n', Read(name).CodeCells.Index()
        .Where(cell => MeasuresTimes().IsMatch(NotebookDocument.Source(cell.Item)) != NotebookDocument.HasTag(cell.Item, NotebookDocument.TimingTag))
        .Select(cell => $"code cell {cell.Index + 1} measures times and has no tag {NotebookDocument.TimingTag}, or the other way round")));

    [GeneratedRegex(@"\bLatencyRatios\(|\bSparse\.Convert\(|\bSpeeds?\(|\bRoof\.Measure\(")]
    private static partial Regex MeasuresTimes();

    [GeneratedRegex(@"(?<![\w.])tensor\(")]
    private static partial Regex MakesTensor();

    private static NotebookDocument Read(string name) => NotebookReader.Read(Repository.PathOf("notebooks", name));
}
