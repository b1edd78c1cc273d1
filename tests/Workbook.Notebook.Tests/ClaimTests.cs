using System.Text.Json.Nodes;
using Xunit;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class ClaimTests
{
    private static Claim On(string dataset, Func<Claim> claim)
    {
        Lab.Describe(dataset, seeds: [0, 1]);
        try
        {
            return claim();
        }
        finally
        {
            Lab.Describe("");
        }
    }

    [Theory]
    [InlineData(0.4, 0.5, true)]
    [InlineData(0.4, 0.6, false)]
    [InlineData(double.NaN, 0.1, false)]
    public void A_claim_is_judged_on_the_mean(double first, double second, bool holds)
    {
        Claim claim = On("mnist", () => NotebookClaims.Ours("pruning.a", "s", [first, second], Expect.Below(0.5), "points"));

        Assert.Equal(holds, claim.Holds);
        Assert.Equal("< 0.5 points", claim.Expected);
    }

    [Fact]
    public void Each_data_set_has_its_expectation_and_none_is_dropped_in_silence()
    {
        Claim Of(string dataset, Expectation? digits = null) =>
            On(dataset, () => NotebookClaims.Ours("lottery.a", "s", [0.7, 0.7], Expect.Below(0.5), digits: digits));

        Assert.False(Of("mnist").Holds);
        Assert.False(Of("digits").Holds);
        Assert.True(Of("digits", Expect.Below(1)).Holds);
        Claim silent = Of("digits", Expect.Nothing("too easy to tell"));
        Assert.Null(silent.Holds);
        Assert.Equal("not measured here (too easy to tell)", silent.Note);
        Assert.Equal("not measured here", Of("fashion-mnist").Verdict);
        Assert.Contains("fashion-mnist", Of("fashion-mnist").Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_that_cannot_test_it_says_which_can()
    {
        Claim claim = On("mnist", () => NotebookClaims.Ours("structure.a", "s", [9, 9], Expect.Below(0.5), profiles: ["paper"]));

        Assert.Null(claim.Holds);
        Assert.Equal("not measured here (needs profile paper)", claim.Note);
    }

    [Fact]
    public void A_published_number_stands_beside_ours_and_never_gates()
    {
        Claim claim = On("mnist", () => NotebookClaims.Published("gradient-flow.a", "error", 1.64, [2, 2.2], "Han et al. 2015, table 1", "%", profile: "quick"));

        Assert.Null(claim.Holds);
        Assert.Equal(0.46, claim.Difference!.Value, 9);
        Assert.Contains("+0.46 %", claim.ToBundle()["text/plain"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("digits", "quick", null, "mnist")]
    [InlineData("mnist", "paper", null, "profile paper")]
    [InlineData("mnist", "quick", "ours keeps 10 %", "ours keeps 10 %")]
    public void A_published_number_is_not_set_beside_one_of_another_setting(string dataset, string profile, string? differs, string why)
    {
        Claim claim = On(dataset, () => NotebookClaims.Published("gradient-flow.a", "error", 1.64, [40, 42], "Han et al. 2015, table 1", "%", profile: profile, differs: differs));

        Assert.Equal("not measured here", claim.Verdict);
        Assert.Null(claim.Difference);
        Assert.DoesNotContain("41", claim.ToBundle()["text/plain"], StringComparison.Ordinal);
        Assert.Contains(why, claim.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_time_gets_a_second_chance_and_no_third()
    {
        int measured = 0;
        Claim late = On("mnist", () => NotebookClaims.Timed("structure.t", "s", () => [measured++ == 0 ? 3 : 1, 1, 5], Expect.Below(2)));
        Assert.True(late.Holds);
        Assert.Equal(1, late.Measured);

        measured = 0;
        Claim failed = On("mnist", () => NotebookClaims.Timed("structure.t", "s", () => [++measured + 2], Expect.Below(2)));
        Assert.False(failed.Holds);
        Assert.Equal(2, measured);
    }

    [Fact]
    public void The_json_has_every_field_and_no_number_that_json_lacks()
    {
        Claim claim = On("mnist", () => NotebookClaims.Ours("pruning.a", "s <b>", [double.NaN, 1], Expect.Below(0.5)));
        JsonObject json = JsonNode.Parse(claim.ToBundle()[Claim.MimeType])!.AsObject();

        Assert.Equal(
            ["id", "kind", "statement", "measured", "spread", "expected", "holds", "dataset", "profile", "seeds", "unit", "difference", "source", "note"],
            json.Select(field => field.Key));
        Assert.Null(json["measured"]);
        Assert.False(json["holds"]!.GetValue<bool>());
        Assert.Contains("s &lt;b&gt;", claim.ToBundle()["text/html"], StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_are_named()
    {
        Assert.Contains("pruning.", Assert.Throws<WorkbookException>(() => NotebookClaims.Ours("other.a", "s", [1], Expect.Below(1))).Message, StringComparison.Ordinal);
        Assert.Contains("3 values for 2 seeds", Assert.Throws<WorkbookException>(() => On("mnist", () => NotebookClaims.Ours("pruning.a", "s", [1, 2, 3], Expect.Below(1)))).Message, StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => NotebookClaims.Ours("pruning.a", "s", [], Expect.Below(1)));
        Assert.Throws<WorkbookException>(() => Timing.AlternatingRatios(() => { }, () => { }, 0));
    }

    [Fact]
    public void Pairs_take_turns_and_a_slower_action_has_a_higher_ratio()
    {
        List<char> order = [];
        double[] ratios = Timing.AlternatingRatios(() => { order.Add('a'); Thread.Sleep(20); }, () => order.Add('b'), 2);

        Assert.Equal("ababba", string.Concat(order));
        Assert.All(ratios, ratio => Assert.True(ratio > 1, $"{ratio}"));
    }
}
