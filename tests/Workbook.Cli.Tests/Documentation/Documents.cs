using Markdig;
using Markdig.Syntax;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

/// <summary>What the repository says of itself: the README, and what lies in docs.</summary>
internal static class Documents
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables()
        .UseAutoIdentifiers(Markdig.Extensions.AutoIdentifiers.AutoIdentifierOptions.GitHub).UsePreciseSourceLocation().Build();

    /// <summary>Their paths from the repository's root.</summary>
    public static string[] Names { get; } =
    [
        "README.md", "README.ko.md", "CHANGELOG.md", "data/README.md",
        .. Directory.GetFiles(Repository.PathOf("docs"), "*.md").Select(path => "docs/" + Path.GetFileName(path)).Order(StringComparer.Ordinal),
    ];

    public static TheoryData<string> All => [.. Names];

    public static string Text(string name) => File.ReadAllText(Repository.PathOf(name.Split('/')));

    public static MarkdownDocument Read(string text) => Markdown.Parse(text, s_pipeline);
}
