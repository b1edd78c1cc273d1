using System.Globalization;

namespace Workbook.Notebook;

/// <summary>What a claim expects of a number: a test, and the same in words.</summary>
/// <param name="Text">In words, without the unit, for example "&lt; 0.5".</param>
/// <param name="Test">The test; null where nothing is expected. No test is asked about NaN.</param>
/// <param name="Unit">The unit of the number.</param>
public sealed record Expectation(string Text, Func<double, bool>? Test, string Unit = "")
{
    /// <summary>Whether the number is as expected; NaN never is.</summary>
    public bool HoldsFor(double value) => Test is not null && !double.IsNaN(value) && Test(value);
}

/// <summary>Expectations.</summary>
public static class Expect
{
    /// <summary>Less than the limit.</summary>
    public static Expectation Below(double limit, string unit = "") => new($"< {Text(limit)}", value => value < limit, unit);

    /// <summary>More than the limit.</summary>
    public static Expectation Above(double limit, string unit = "") => new($"> {Text(limit)}", value => value > limit, unit);

    /// <summary>The limit or less.</summary>
    public static Expectation AtMost(double limit, string unit = "") => new($"≤ {Text(limit)}", value => value <= limit, unit);

    /// <summary>The limit or more.</summary>
    public static Expectation AtLeast(double limit, string unit = "") => new($"≥ {Text(limit)}", value => value >= limit, unit);

    /// <summary>From low to high, both included.</summary>
    public static Expectation Between(double low, double high, string unit = "") =>
        new($"{Text(low)} to {Text(high)}", value => value >= low && value <= high, unit);

    /// <summary>Nothing, and why: the claim says so instead of being dropped.</summary>
    public static Expectation Nothing(string why) => new(why, null);

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
