using System.Text.Json.Nodes;
using CsCheck;
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
        Claim Of(string dataset, Expectation? digits = null, Expectation? fashion = null) =>
            On(dataset, () => NotebookClaims.Ours("lottery.a", "s", [0.7, 0.7], Expect.Below(0.5), digits: digits, fashion: fashion));

        Assert.False(Of("mnist").Holds);
        Assert.False(Of("digits").Holds);
        Assert.True(Of("digits", Expect.Below(1)).Holds);
        Claim silent = Of("digits", Expect.Nothing("too easy to tell"));
        Assert.Null(silent.Holds);
        Assert.Equal("not measured here (too easy to tell)", silent.Note);
        Assert.False(Of("fashion-mnist", digits: Expect.Below(1)).Holds);
        Assert.True(Of("fashion-mnist", fashion: Expect.Below(1)).Holds);
        Assert.Equal("not measured here", Of("fashion-mnist", fashion: Expect.Nothing("no pixel is always empty")).Verdict);
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
        Claim claim = On("mnist", () => NotebookClaims.Published("gradient-flow.a", "error", 1.64, [2, 2.2], "Han et al. 2015, table 1", "%",
            profile: "quick"));

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
        Claim claim = On(dataset, () => NotebookClaims.Published("gradient-flow.a", "error", 1.64, [40, 42], "Han et al. 2015, table 1", "%", profile: profile,
            differs: differs));

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
            ["id", "kind", "notebook", "statement", "unit", "measured", "spread", "values", "expected", "holds", "difference", "source", "note", "dataset",
                "profile", "seeds"],
            json.Select(field => field.Key));
        Assert.Null(json["measured"]);
        Assert.False(json["holds"]!.GetValue<bool>());
        Assert.Contains("s &lt;b&gt;", claim.ToBundle()["text/html"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_is_the_same_after_its_json_and_has_its_notebooks_name() =>
        (from text in Gen.String
         from values in Gen.Double.Array[0, 4]
         from seeds in Gen.Int.Array[0, 4]
         from holds in Gen.Bool.Nullable()
         from difference in Gen.Double[-1e9, 1e9].Nullable()
         from isOurs in Gen.Bool
         select (text, values, seeds, holds, difference, isOurs)).Sample(c =>
        {
            Claim claim = new()
            {
                Id = "pruning." + c.text,
                Kind = c.isOurs ? "ours" : "published",
                Statement = c.text,
                Unit = c.text,
                Measured = c.values.Append(double.NaN).First(),
                Spread = c.values.Append(double.PositiveInfinity).Last(),
                Values = c.values,
                Expected = c.text,
                Holds = c.holds,
                Difference = c.difference,
                Source = c.text,
                Note = c.text,
                Dataset = c.text,
                Profile = c.text,
                Seeds = c.seeds,
            };
            JsonNode json = JsonNode.Parse(claim.ToBundle()[Claim.MimeType])!;
            json["of-a-later-version"] = 1;

            Assert.True(Claim.TryRead(json, "00", out Claim? read, out string? fault), fault);
            Assert.Equal("00", read.Notebook);
            Assert.Equal((claim with { Notebook = "00" }).ToJson().ToJsonString(), read.ToJson().ToJsonString());
            Assert.Equal((claim.Verdict, claim.MeasuredText, claim.DifferenceText), (read.Verdict, read.MeasuredText, read.DifferenceText));
        });

    [Theory]
    [InlineData("null", "it is no JSON object")]
    [InlineData("[1]", "it is no JSON object")]
    [InlineData("\"a\\nb\"", "it is no JSON object")]
    [InlineData("{}", "it lacks id, kind, statement, measured, spread, expected, dataset, profile, seeds")]
    [InlineData("{ID}", "its id is empty", "\"id\": \"\"")]
    [InlineData("{ID}", "its kind is neither ours nor published", "\"kind\": \"theirs\"")]
    [InlineData("{ID}", "its id can't be read", "\"id\": null")]
    [InlineData("{ID}", "its JSON can't be read", "\"id\": \"\\ud800\"")]
    [InlineData("{ID}", "its statement can't be read", "\"statement\": 7")]
    [InlineData("{ID}", "its measured can't be read", "\"measured\": \"1.5\"")]
    [InlineData("{ID}", "its holds can't be read", "\"holds\": \"yes\"")]
    [InlineData("{ID}", "its seeds[1] can't be read", "\"seeds\": [0, 1.5]")]
    [InlineData("{ID}", "its values[0] can't be read", "\"values\": [[]]")]
    [InlineData("{ID, \"id\": \"pruning.b\"}", "it has a member twice", "\"id\": \"pruning.a\"")]
    public void What_is_no_claim_is_told_in_one_line_with_its_notebook(string text, string why, string member = "")
    {
        Dictionary<string, string> members = new()
        {
            ["id"] = "\"pruning.a\"",
            ["kind"] = "\"ours\"",
            ["statement"] = "\"s\"",
            ["measured"] = "1",
            ["spread"] = "0",
            ["expected"] = "\"< 2\"",
            ["dataset"] = "\"digits\"",
            ["profile"] = "\"quick\"",
            ["seeds"] = "[0]",
        };
        if (member.Length > 0)
        {
            string[] parts = member.Split(": ", 2);
            members[parts[0].Trim('"')] = parts[1];
        }

        JsonNode? json = JsonNode.Parse(text.Replace("ID", string.Join(", ", members.Select(m => $"\"{m.Key}\": {m.Value}"))));

        Assert.False(Claim.TryRead(json, "03", out Claim? claim, out string? fault));
        Assert.Null(claim);
        Assert.StartsWith($"03: what it shows as a claim is none, {why}: ", fault, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault);
        Assert.InRange(fault.Length, 1, 400);
    }

    [Fact]
    public void A_published_number_that_was_not_measured_here_has_no_difference_anywhere()
    {
        Claim measured = On("mnist", () => NotebookClaims.Published("pruning.a", "error", 1.64, [2, 2.2], "Han et al. 2015, table 1", "%", profile: "quick"));
        Claim elsewhere = On("digits", () => NotebookClaims.Published("pruning.a", "error", 1.64, [2, 2.2], "Han et al. 2015, table 1", "%", profile: "quick"));
        Claim unknown = measured with { Difference = double.NaN };

        Assert.Equal(("published", true, "+0.46 %"), (measured.Verdict, measured.IsMeasured, measured.DifferenceText));
        Assert.All([elsewhere, unknown], claim =>
        {
            Assert.Equal(("not measured here", false, ""), (claim.Verdict, claim.IsMeasured, claim.DifferenceText));
            Assert.DoesNotContain("difference", claim.ToBundle()["text/plain"] + claim.ToBundle()["text/html"], StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Faults_are_named()
    {
        Assert.Contains("pruning.", Assert.Throws<WorkbookException>(() => NotebookClaims.Ours("other.a", "s", [1], Expect.Below(1))).Message,
            StringComparison.Ordinal);
        Assert.Contains("3 values for 2 seeds", Assert.Throws<WorkbookException>(() =>
            On("mnist", () => NotebookClaims.Ours("pruning.a", "s", [1, 2, 3], Expect.Below(1)))).Message, StringComparison.Ordinal);
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
