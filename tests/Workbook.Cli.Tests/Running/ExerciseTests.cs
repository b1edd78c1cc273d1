using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Tests.Publishing;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>The notebooks' exercises: left blank they say so, and with the solutions that are folded below them they are right.</summary>
public sealed partial class ExerciseTests : IDisposable
{
    private const int InEach = 3;

    private readonly Workspace _workspace = new();

    /// <summary>Those that have exercises.</summary>
    public static TheoryData<string> Names =>
        [.. CommittedNotebookTests.Committed.Where(path => Exercises(path).Length > 0).Select(path => Path.GetFileName(path))];

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Blank_they_are_not_answered_and_with_their_solutions_they_are_right(string name)
    {
        (string Blank, string Solution)[] exercises = Exercises(Repository.PathOf("notebooks", name));
        Assert.Equal(InEach, exercises.Length);
        string[] solved = [.. exercises.Select(e => Blank().Replace(e.Blank, _ => e.Solution))];
        JsonObject executed = _workspace.Execute(0, ["#!import ../lab.csx", .. exercises.Select(e => e.Blank), .. solved]);

        string[] verdicts = [.. Enumerable.Range(1, 2 * InEach).Select(cell => Notebooks.Outputs(executed, cell)[^1])];
        Assert.All(verdicts[..InEach], verdict => Assert.StartsWith("display_data: [not answered yet] ", verdict, StringComparison.Ordinal));
        Assert.All(verdicts[InEach..], verdict => Assert.StartsWith("display_data: [right] ", verdict, StringComparison.Ordinal));
    }

    // A cell with one line to fill in, and what the text below it puts in its place.
    private static (string Blank, string Solution)[] Exercises(string path)
    {
        IReadOnlyList<JsonObject> cells = NotebookReader.Read(path).Cells;
        return [.. cells.Zip(cells.Skip(1)).Where(pair => NotebookDocument.IsCode(pair.First) && Blank().Count(NotebookDocument.Source(pair.First)) == 1)
            .Select(pair => (NotebookDocument.Source(pair.First), Solution().Match(NotebookDocument.Source(pair.Second)).Groups["code"].Value))];
    }

    [GeneratedRegex(@"^.*// YOUR ANSWER$", RegexOptions.Multiline)]
    private static partial Regex Blank();

    [GeneratedRegex(@"<details><summary>Solution</summary>\n\n```csharp\n(?<code>.*?)\n```\n\n</details>", RegexOptions.Singleline)]
    private static partial Regex Solution();
}
