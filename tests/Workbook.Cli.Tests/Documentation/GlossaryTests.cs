using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Publishing;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

/// <summary>docs/glossary.md, and the links to it from notebooks and from the site's pages.</summary>
public sealed partial class GlossaryTests
{
    public static TheoryData<string> Names => CommittedNotebookTests.CommittedNames;

    private static string[] Words { get; } = [.. Heading().Matches(File.ReadAllText(Repository.PathOf("docs", "glossary.md")))
        .Select(match => match.Groups[1].Value.Trim())];

    [Fact]
    public void Its_words_stand_in_order_and_once()
    {
        Assert.Equal(Words.Distinct().Order(StringComparer.OrdinalIgnoreCase), Words);
        string text = File.ReadAllText(Repository.PathOf("docs", "glossary.md"));
        Assert.All(Within().Matches(text), link => Assert.Contains(link.Groups[1].Value, Words.Select(Anchor)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_link_leads_to_a_word_that_is_there_and_only_the_first_use_is_linked(string name)
    {
        NotebookDocument notebook = NotebookReader.Read(Repository.PathOf("notebooks", name));
        string[] linked = [.. notebook.Cells.SelectMany(cell => Link().Matches(NotebookDocument.Source(cell))).Select(match => match.Groups[1].Value)];
        Assert.All(linked, word => Assert.Contains(word, Words.Select(Anchor)));
        Assert.Equal(linked.Distinct(), linked);
    }

    [Fact]
    public void The_sites_links_lead_to_its_page_of_words()
    {
        NotebookDocument[] notebooks = [.. CommittedNotebookTests.Committed.Select(NotebookReader.Read)];
        DirectoryInfo folder = Directory.CreateTempSubdirectory("workbook-test-");
        try
        {
            ReportSite.Write(folder.FullName, [.. notebooks.Select(n => NotebookResult.Of(n, n.Path))], out IReadOnlyList<string> faults);
            Assert.Equal([], faults);
            string words = File.ReadAllText(Path.Combine(folder.FullName, GlossaryPage.File));
            string[] links = [.. folder.GetFiles("*.html").SelectMany(page => PageLink().Matches(File.ReadAllText(page.FullName)))
                .Select(match => match.Groups[1].Value)];
            Assert.NotEmpty(links);
            Assert.All(links.Distinct(), word => Assert.Contains($"id=\"{word}\"", words, StringComparison.Ordinal));
            Assert.All(folder.GetFiles("*.html"), page => Assert.DoesNotContain("glossary.md", File.ReadAllText(page.FullName), StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // As GitHub makes an anchor of a heading.
    private static string Anchor(string heading) => Odd().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"^### (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(#([^)]*)\)")]
    private static partial Regex Within();

    [GeneratedRegex(@"\]\(\.\./docs/glossary\.md#([^)]*)\)")]
    private static partial Regex Link();

    [GeneratedRegex("href=\"glossary\\.html#([^\"]*)\"")]
    private static partial Regex PageLink();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Odd();
}
