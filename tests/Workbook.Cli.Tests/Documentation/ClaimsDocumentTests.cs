using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Notebook;
using Xunit;

namespace Workbook.Cli.Tests.Documentation;

public partial class ClaimsDocumentTests
{
    private static readonly string s_document = File.ReadAllText(Repository.PathOf("docs", "claims.md"));

    private static JsonArray Example => JsonNode.Parse(Json().Match(s_document).Groups[1].Value)!.AsArray();

    [Fact]
    public void The_document_names_every_field_in_the_files_order()
    {
        string[] named = [.. Row().Matches(s_document).Select(row => row.Groups[1].Value)];
        Assert.All(Example, claim => Assert.Equal(named, claim!.AsObject().Select(field => field.Key)));
    }

    [Fact]
    public void Its_examples_are_claims_and_are_written_as_they_stand_there() => Assert.All(Example, example =>
    {
        Assert.True(Claim.TryRead(example, "00-what-pruning-is", out Claim? claim, out string? fault), fault);
        Assert.True(JsonNode.DeepEquals(example, claim.ToJson()), claim.ToJson().ToJsonString());
    });

    [Fact]
    public void It_names_what_a_claim_can_not_do_without()
    {
        string[] needed = [.. Code().Matches(Needed().Match(s_document).Groups[1].Value).Select(code => code.Groups[1].Value)];
        JsonObject complete = Example[0]!.AsObject();
        foreach (string field in complete.Select(field => field.Key).ToArray())
        {
            JsonObject lacking = complete.DeepClone().AsObject();
            lacking.Remove(field);
            Assert.Equal(needed.Contains(field), !Claim.TryRead(lacking, "n", out _, out _));
        }
    }

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Json();

    [GeneratedRegex(@"What lacks (.*?), or has one of another type")]
    private static partial Regex Needed();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Code();
}
