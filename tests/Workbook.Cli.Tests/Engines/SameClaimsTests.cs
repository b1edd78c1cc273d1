using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

/// <summary>What notebooks claim does not depend on which engine runs them.</summary>
public class SameClaimsTests
{
    // Two folders that runs wrote to, with a colon between.
    private const string Variable = "WORKBOOK_SAME_CLAIMS";

    private static readonly string[] s_ofTimes = ["measured", "spread", "values", "holds", "note"];

    [Fact]
    public void Two_runs_of_the_notebooks_claim_the_same_but_for_times()
    {
        string[] folders = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        Assert.SkipUnless(folders.Length == 2, $"{Variable} names no two runs to compare");
        string[][] claims = [.. folders.Select(folder => Claims(Repository.PathOf(folder)))];
        Assert.NotEmpty(claims[0]);
        Assert.Equal(claims[0], claims[1]);
    }

    // A claim about a time is the median of pairs, not a mean over seeds: it has none.
    private static string[] Claims(string folder) =>
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "claims.json")))!.AsArray().Select(claim =>
        {
            JsonObject told = claim!.DeepClone().AsObject();
            if (told["seeds"] is JsonArray { Count: 0 })
            {
                Array.ForEach(s_ofTimes, name => told.Remove(name));
            }

            return told.ToJsonString();
        }),
    ];
}
