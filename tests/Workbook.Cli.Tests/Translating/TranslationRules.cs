using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Publishing;
using Workbook.Cli.Tests.Publishing;
using Workbook.Cli.Translating;
using Xunit;

namespace Workbook.Cli.Tests.Translating;

/// <summary>The translations as they lie in the repository.</summary>
public sealed partial class TranslationRules
{
    private const string Language = "ko";

    private static readonly string[] s_translated =
        [.. CommittedNotebookTests.Committed.Where(path => File.Exists(Translation.PathOf(path, Language)))];

    [Fact]
    public void A_notebook_that_has_a_translation_has_all_of_it_as_the_English_is_now() => Assert.Equal("", string.Join('\n',
        s_translated.SelectMany(path => Translation.Read(Translation.PathOf(path, Language)).Faults(NotebookReader.Read(path)))));

    [Fact]
    public void The_document_names_the_notebooks_that_have_none()
    {
        string left = string.Join(", ", CommittedNotebookTests.Committed.Except(s_translated).Select(Path.GetFileNameWithoutExtension));
        Assert.Contains(left.Length > 0 ? $"\nNot translated yet: {left}.\n" : "\nAll notebooks are translated.\n",
            File.ReadAllText(Repository.PathOf("docs", "translations.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_file_of_the_language_belongs_to_a_notebook() => Assert.Equal(
        s_translated.Select(path => Path.GetFileNameWithoutExtension(path) + ".md").Append(Words.FileName).Order(StringComparer.Ordinal),
        Directory.GetFiles(Repository.PathOf("notebooks", Language)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("sparsity (% of weights removed)", "희소성 (제거한 가중치의 %)")]
    [InlineData("test accuracy (%)", "테스트 정확도 (%)")]
    [InlineData("✓ holds", "✓ 성립")]
    [InlineData("not measured here: 3", "여기서는 측정하지 않음: 3")]
    [InlineData("12 of 13 claims hold · 33 s", "주장 13개 중 12개 성립 · 33 s")]
    [InlineData("MNIST · quick profile · 3 seeds (0–2) · 20,000 training images", "MNIST · quick 프로필 · 시드 3개 (0–2) · 훈련 영상 20,000장")]
    [InlineData("measured 0.28 ± 0.07 points, expected < 0.5 points", "측정값 0.28 ± 0.07 %p, 기댓값 < 0.5 %p")]
    [InlineData("Wanda, fine-tuned", "Wanda, 미세 조정")]
    [InlineData("pruning.fine-tuned-90", "pruning.fine-tuned-90")]
    [InlineData("transformer.small-wanda-as-magnitude-60", "transformer.small-wanda-as-magnitude-60")]
    [InlineData("With 70 % of the weights gone, magnitude is ahead", "With 70 % of the weights gone, magnitude is ahead")]
    [InlineData("fine-grained accuracy", "fine-grained accuracy")]
    public void Labels_are_in_Korean_wholly_or_not_at_all(string english, string korean) =>
        Assert.Equal(korean, Words.Read(Repository.PathOf("notebooks", Language, Words.FileName)).Of(english));

    [Fact]
    public void Claims_of_the_committed_notebooks_and_why_papers_differ_are_in_Korean()
    {
        Words words = Words.Read(Repository.PathOf("notebooks", Language, Words.FileName));
        string[] said =
        [
            .. CommittedNotebookTests.Committed.SelectMany(path => ClaimOutputs.Find(NotebookReader.Read(path), out _))
                .SelectMany(claim => new[] { claim.Statement, claim.Note }),
            .. PaperTable.Read(Repository.PathOf("docs", "papers.json"))
                .SelectMany(entry => new[] { entry!["claim"]!["statement"]!.ToString(), entry["cause"]?.ToString() ?? "" }),
        ];
        Assert.Equal("", string.Join('\n', said.Where(text => text.Length > 0 && words.Of(text) == text).Distinct()));
    }

    [Fact]
    public void Answers_of_the_committed_notebooks_are_in_Korean()
    {
        Words words = Words.Read(Repository.PathOf("notebooks", Language, Words.FileName));
        string[] said = [.. CommittedNotebookTests.Committed.SelectMany(path => NotebookReader.Read(path).CodeCells)
            .SelectMany(cell => cell["outputs"]!.AsArray()).Select(output => MultilineText.FromNode(output!["data"]?["text/plain"]) ?? "")
            .Select(text => Answer().Match(text)).Where(match => match.Success).SelectMany(match => new[] { match.Groups[1].Value, match.Groups[2].Value })];
        Assert.NotEmpty(said);
        Assert.Equal("", string.Join('\n', said.Where(text => Words.HasProse(text) && words.Of(text) == text).Distinct()));
    }

    [GeneratedRegex(@"^\[answer\] (.*): (.*)")]
    private static partial Regex Answer();

    [Fact]
    public void Words_of_claims_and_of_the_sites_pages_are_in_the_table()
    {
        IReadOnlyDictionary<string, string> words = Words.Read(Repository.PathOf("notebooks", Language, Words.FileName)).Entries;
        Assert.All((string[])["holds", "does not hold", "published", "not measured here", "sparsity", "Contents", "Claims", "Measured", "Expected", "Verdict"],
            word => Assert.Contains(word, words));
        Assert.All(words.Values, word => Assert.NotEqual("", word));
    }
}
