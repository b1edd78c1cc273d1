using Workbook.Cli.Sweeping;
using Workbook.Notebook;
using Xunit;

namespace Workbook.Cli.Tests.Sweeping;

public sealed class AxisTests
{
    [Theory]
    [InlineData("seed=0..3", "0|1|2|3")]
    [InlineData("seed=-1..1, 7", "-1|0|1|7")]
    [InlineData("sparsity=0.9,0.95", "0.9|0.95")]
    [InlineData("levels=[0.8, 0.9],[0.5]", "[0.8, 0.9]|[0.5]")]
    [InlineData("name=\"a,b\",c", "\"a,b\"|c")]
    [InlineData("name=a=b", "a=b")]
    public void Ranges_and_lists_are_values_and_brackets_hold_theirs_together(string assignment, string values) =>
        Assert.Equal(values.Split('|'), Assert.Single(Axis.Parse([assignment])).Values);

    [Theory]
    [InlineData("seed=01,1", "int", "01 and 1 are one value")]
    [InlineData("seed=0x10,16", "int", "0x10 and 16 are one value")]
    [InlineData("rate=0.10,1e-1", "double", "0.10 and 1e-1 are one value")]
    [InlineData("name=a,a", "string", "a is there twice")]
    public void A_value_that_is_written_in_two_ways_counts_once(string assignment, string type, string words) =>
        Assert.Contains(words, Assert.Throws<WorkbookException>(() => Assert.Single(Axis.Parse([assignment])).As(type)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_whole_number_is_always_written_the_same_and_texts_stay_as_they_are()
    {
        Assert.Equal(["1", "2", "-3"], Assert.Single(Axis.Parse(["seed=01,+2,-3"])).As("int").Values);
        Assert.Equal(["01", "1"], Assert.Single(Axis.Parse(["name=01,1"])).As("string").Values);
        Assert.Equal(["0.50", "0.9"], Assert.Single(Axis.Parse(["rate=0.50,0.9"])).As("double").Values);
    }

    [Fact]
    public void The_last_axis_changes_fastest()
    {
        string[] points = [.. Axis.Combine(Axis.Parse(["a=1,2", "b=x,y"])).Select(p => string.Join(' ', p.Select(v => v.Key + v.Value)))];
        Assert.Equal(["a1 bx", "a1 by", "a2 bx", "a2 by"], points);
        Assert.Empty(Assert.Single(Axis.Combine([])));
    }

    [Fact]
    public void A_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says()
    {
        Random random = new(7);
        int covered = 0;
        const int Trials = 200;
        for (int trial = 0; trial < Trials; trial++)
        {
            Interval interval = Interval.Of(Enumerable.Range(0, 30).Select(_ => Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6));
            covered += interval.Low <= 0 && 0 <= interval.High ? 1 : 0;
        }

        Assert.InRange(covered, 0.89 * Trials, 0.99 * Trials);
    }

    [Fact]
    public void An_interval_lies_around_its_mean_within_the_values_and_is_the_same_each_time()
    {
        double[] values = [97.2, 97.9, 96.8, 97.5];
        Interval interval = Interval.Of(values);
        Assert.Equal(interval, Interval.Of(values));
        Assert.InRange(interval.Mean, interval.Low, interval.High);
        Assert.InRange(interval.Low, values.Min(), interval.Mean);
        Assert.InRange(interval.High, interval.Mean, values.Max());
        Assert.True(interval.High - interval.Low > 0.3);
        Assert.Equal("97.20", Interval.Of([97.2]).ToString());
        Assert.Throws<WorkbookException>(() => Interval.Of([]));
    }
}
