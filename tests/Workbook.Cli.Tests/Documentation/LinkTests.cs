using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

/// <summary>A reader who follows a link of the README or of docs arrives.</summary>
public sealed class LinkTests
{
    // GitHub's own page beside the repository.
    private static readonly string[] s_ofTheHost = ["../../codespaces"];

    [Theory]
    [MemberData(nameof(Documents.All), MemberType = typeof(Documents))]
    public void Links_within_the_repository_lead_to_files_and_headings(string name) => Assert.Equal("", string.Join('\n', Faults(name, Documents.Text(name))));

    [Fact]
    public void What_is_in_docs_can_be_reached_from_the_readme()
    {
        HashSet<string> reached = ["README.md"];
        Queue<string> next = new(reached);
        while (next.TryDequeue(out string? name))
        {
            foreach (string target in Links(Documents.Text(name)).Where(link => !IsElsewhere(link)).Select(link => PathOf(name, link.Split('#')[0]))
                .Where(target => Documents.Names.Contains(target) && reached.Add(target)))
            {
                next.Enqueue(target);
            }
        }

        Assert.Empty(Documents.Names.Where(name => name.StartsWith("docs/", StringComparison.Ordinal)).Except(reached));
    }

    [Theory]
    [InlineData("[a](docs/none.md)", "README.md: docs/none.md is not there")]
    [InlineData("[a](#none)", "README.md: #none is no heading of README.md")]
    [InlineData("[a](docs/claims.md#none)", "README.md: docs/claims.md#none is no heading of docs/claims.md")]
    [InlineData("![a](/notebooks/x.png)", "README.md: /notebooks/x.png is a path of a machine")]
    public void A_link_that_leads_nowhere_is_named(string text, string fault) => Assert.Equal([fault], Faults("README.md", text));

    private static IEnumerable<string> Faults(string name, string text)
    {
        foreach (string link in Links(text).Where(link => !IsElsewhere(link)))
        {
            string[] parts = link.Split('#', 2);
            string target = parts[0].Length == 0 ? name : PathOf(name, parts[0]);
            string path = Repository.PathOf(target.Split('/'));
            if (parts[0].StartsWith('/'))
            {
                yield return $"{name}: {link} is a path of a machine";
            }
            else if (!File.Exists(path) && !Directory.Exists(path))
            {
                yield return $"{name}: {link} is not there";
            }
            else if (parts.Length > 1 && !Anchors(target == name ? text : Documents.Text(target)).Contains(parts[1]))
            {
                yield return $"{name}: {link} is no heading of {target}";
            }
        }
    }

    private static bool IsElsewhere(string link) => link.Contains("://", StringComparison.Ordinal) || s_ofTheHost.Contains(link);

    private static IEnumerable<string> Links(string text) =>
        Documents.Read(text).Descendants<LinkInline>().Select(link => Uri.UnescapeDataString(link.Url ?? ""));

    private static IEnumerable<string?> Anchors(string text) =>
        Documents.Read(text).Descendants<HeadingBlock>().Select(heading => heading.TryGetAttributes()?.Id);

    private static string PathOf(string from, string link) =>
        Path.GetRelativePath(Repository.PathOf(), Path.GetFullPath(Path.Combine(Repository.PathOf(from.Split('/')), "..", link))).Replace('\\', '/');
}
