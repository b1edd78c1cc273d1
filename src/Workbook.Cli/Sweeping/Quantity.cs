using Workbook.Cli.Outcome;

namespace Workbook.Cli.Sweeping;

/// <summary>What methods have in common: <c>test accuracy, ticket</c> and <c>test accuracy, dense</c> are one quantity of two methods.</summary>
/// <param name="Name">E.g. <c>test accuracy</c>.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Methods">Each method's name, empty where there is one, and its values.</param>
internal sealed record Quantity(string Name, string Unit, IReadOnlyList<(string Method, MeasuredValue Value)> Methods)
{
    private const string Between = ", ";

    /// <summary>The quantity with its unit, as an axis has it.</summary>
    public string Title => Unit.Length > 0 ? $"{Name} ({Unit})" : Name;

    /// <summary>Recorded numbers whose names begin alike, up to a comma, and that have one unit; in the order of the notebook.</summary>
    public static IReadOnlyList<Quantity> Of(IEnumerable<MeasuredValue> recorded) => [.. recorded
        .GroupBy(value => (Name: value.Name.Split(Between)[0], value.Unit))
        .Select(group => group.ToArray() is [var one]
            ? new Quantity(one.Name, one.Unit, [("", one)])
            : new Quantity(group.Key.Name, group.Key.Unit, [.. group.Select(value => (value.Name[group.Key.Name.Length..].TrimStart(',', ' '), value))]))];

    /// <summary>A claim as a quantity, under what it says; what its points say differently is left out.</summary>
    public static Quantity OfClaim(MeasuredValue claim, IEnumerable<PointOutcome> points) => new(
        Common([.. points.SelectMany(point => point.Values).Where(value => value.Name == claim.Name).Select(value => value.Statement).OfType<string>()
            .Distinct()]),
        claim.Unit, [("", claim)]);

    // "With 93 % of the weights gone …" and "With 97 % …" are one claim at two places.
    private static string Common(IReadOnlyList<string> statements)
    {
        string[][] words = [.. statements.Select(statement => statement.Split(' '))];
        return words.All(other => other.Length == words[0].Length)
            ? string.Join(' ', words[0].Select((word, i) => words.All(other => other[i] == word) ? word : "…"))
            : statements[0];
    }
}
