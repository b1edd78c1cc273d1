using CsCheck;
using Xunit;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class MeasuredTests
{
    private static readonly Gen<PerSeed> s_numbers =
        from seeds in Gen.Int[0, 9].Array[1, 6]
        from values in Gen.Double[-100, 100].Array[6]
        select new PerSeed(seeds.Distinct(), values.Take(seeds.Distinct().Count()));

    [Theory]
    [InlineData(1.5)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(double.NaN)]
    public void A_number_that_is_recorded_is_read_as_it_was(double value) =>
        Assert.Equal(value, Recorded.Read(System.Text.Json.Nodes.JsonNode.Parse(new Recorded("x", value).ToBundle()[Recorded.MimeType]))!.Value);

    [Fact]
    public void Differences_and_ratios_are_taken_seed_by_seed_over_the_seeds_that_both_have() =>
        Gen.Select(s_numbers, s_numbers).Sample((a, b) =>
        {
            int[] both = [.. a.Seeds.Intersect(b.Seeds)];
            if (both.Length == 0)
            {
                Assert.Contains("in common", Assert.Throws<WorkbookException>(() => a - b).Message, StringComparison.Ordinal);
                return;
            }

            Assert.Equal(both, (a - b).Seeds);
            Assert.All(both, seed => Assert.Equal(a.At(seed) - b.At(seed), (a - b).At(seed)));
            Assert.All(both, seed => Assert.Equal(a.At(seed) / b.At(seed), (a / b).At(seed)));
            Assert.Equal((a - b).Mean, -(b - a).Mean, 1e-9);
        });

    [Fact]
    public void Seeds_that_are_left_out_stay_left_out()
    {
        PerSeed accuracy = new([0, 1, 2, 7], [98, 11.35, 97, 96]), loss = new([0, 1, 2, 7], [0.1, 2.3, 0.2, 0.3]);
        PerSeed learned = accuracy.Only(a => a > 50);
        Assert.Equal([0, 2, 7], learned.Seeds);
        Assert.Equal([0.1, 0.2, 0.3], loss.Only(learned));
        Assert.Equal([0, 2, 7], (learned - loss).Seeds);
        Assert.Equal("97.00 ± 1.00", learned.ToString());
        Assert.Equal("98.00 · 97.00 · 96.00", learned.Listed());
        Assert.Contains("seed 1", Assert.Throws<WorkbookException>(() => learned.At(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_method_runs_at_each_level_with_each_seed_under_one_bar()
    {
        RecordingHost host = new();
        NotebookHost.Current = host;
        Lab.Describe("mnist", seeds: [3, 5]);
        Dictionary<string, Func<int, double, double>> methods = new() { ["sum"] = (seed, level) => seed + level, ["product"] = (seed, level) => seed * level };
        Measured measured = Lab.Measure("runs", methods, [0.5, 0.9], (seed, method, level) => method(seed, level));
        Lab.Describe("");

        Assert.Equal([3.9, 5.9], measured["sum", 0.9]);
        Assert.Equal([0.6, 0.8], (measured["sum", 0.5] - measured["product", 0.9] - 0.2).Select(v => Math.Round(v, 9)));
        Assert.Contains("8/8", Assert.Single(host.Shown.Select(_ => host.Updates[^1].Bundle["text/plain"]).Distinct()), StringComparison.Ordinal);
        Assert.Equal(["sum", "product"], measured.Select(series => series.Name));
        Assert.Equal([[3.5, 3.9], [5.5, 5.9]], measured.First().Values);
        Assert.Equal([0.1, 0.2], measured.Over([0.1, 0.2]).First().X);
        Assert.Equal(2, measured.ToTable("t", "level").Rows.Count);
        Assert.Contains("'total' was not measured", Assert.Throws<WorkbookException>(() => measured["total", 0.5]).Message, StringComparison.Ordinal);
        Assert.Contains("say at which", Assert.Throws<WorkbookException>(() => measured["sum"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_runs_give_can_be_read_number_by_number()
    {
        NotebookHost.Current = new RecordingHost();
        Lab.Describe("mnist", seeds: [0, 1, 2]);
        Measured<(double Before, double After)> runs =
            Lab.Measure("runs", ["a", "b"], (seed, method) => (Before: (double)seed, After: method == "a" ? 10.0 + seed : 20));
        Lab.Describe("");
        Assert.Equal([10.0, 10.0, 10.0], runs.Of(r => r.After)["a"] - runs.Of(r => r.Before)["a"]);
        Assert.Equal((2, 20), runs["b"].At(2));
    }
}
