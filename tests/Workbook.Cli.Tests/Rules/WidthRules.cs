using Xunit;

namespace Workbook.Cli.Tests.Rules;

public sealed class WidthRules
{
    private const int MostLinesOfTheLibrary = 3000, MostColumns = 160, MostLinesOfAFile = 320;

    [Fact]
    public void The_thin_library_can_be_read_in_an_afternoon() =>
        Assert.InRange(Projects.Sources(Path.Combine("src", Projects.Core)).Sum(file => file.Lines.Length), 1, MostLinesOfTheLibrary);

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Lines_fit_on_a_screen(string folder) => Assert.Equal("", string.Join('\n', Projects.Sources(folder)
        .SelectMany(file => file.Lines.Index().Where(line => line.Item.Length > MostColumns)
            .Select(line => $"{file.Path}:{line.Index + 1} has {line.Item.Length} columns"))));

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Files_have_one_subject(string folder) => Assert.Equal("", string.Join('\n', Projects.Sources(folder)
        .Where(file => file.Lines.Length > MostLinesOfAFile).Select(file => $"{file.Path} has {file.Lines.Length} lines")));
}
