using System.Globalization;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Sweeping;

/// <summary>A parameter of the notebook and the values that it takes in a sweep, as they were typed.</summary>
internal sealed partial record Axis(string Name, IReadOnlyList<string> Values)
{
    private const int MostValues = 100_000;
    private const int MostShown = 20;

    /// <summary>Reads <c>seed=0..9</c>, <c>sparsity=0.9,0.95</c> and mixtures; commas in brackets or quotes divide nothing. Of two for one name, the last
    /// counts.</summary>
    /// <exception cref="WorkbookException">One is malformed, or names a value twice.</exception>
    public static IReadOnlyList<Axis> Parse(IReadOnlyList<string> assignments)
    {
        OrderedDictionary<string, Axis> axes = [];
        foreach (string assignment in assignments)
        {
            int at = assignment.IndexOf('=');
            string name = at < 1 ? "" : assignment[..at].Trim();
            string[] values = at < 1 ? [] : [.. ParameterLiteral.Split(assignment[(at + 1)..]).SelectMany(part => Expand(part, assignment))];
            if (name.Length == 0 || values.Length == 0 || values.Contains(""))
            {
                throw new WorkbookException($"-p {assignment}: write name=value, name=first..last or name=value,value,…");
            }

            axes[name] = new Axis(name, values).As("string");
        }

        return [.. axes.Values];
    }

    /// <summary>The same values for a parameter of a type: a whole number is always written the same, so that 01 is no other seed than 1.</summary>
    /// <exception cref="WorkbookException">A value is there twice.</exception>
    public Axis As(string type)
    {
        if (Values.GroupBy(value => ParameterLiteral.Key(value, type)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            string same = twice.Distinct().Count() > 1 ? $"{string.Join(" and ", twice.Distinct())} are one value" : $"{twice.First()} is there twice";
            throw new WorkbookException($"-p {Name}={string.Join(',', Values.Take(MostShown))}: {same}: name every value once");
        }

        return ParameterLiteral.IsWhole(type) ? this with { Values = [.. Values.Select(value => ParameterLiteral.Key(value, type))] } : this;
    }

    /// <summary>Every combination, the last axis changing fastest: one where there is no axis.</summary>
    /// <exception cref="WorkbookException">There are more than 100,000.</exception>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Combine(IReadOnlyList<Axis> axes)
    {
        double count = axes.Aggregate(1.0, (product, axis) => product * axis.Values.Count);
        return count > MostValues ? throw new WorkbookException($"the sweep has {count:N0} points: {MostValues:N0} is the most, leave some values out")
            : axes.Aggregate(
                (IEnumerable<OrderedDictionary<string, string>>)[[]],
                (points, axis) => points.SelectMany(point =>
                    axis.Values.Select(value => new OrderedDictionary<string, string>(point) { [axis.Name] = value })));
    }

    private static IEnumerable<string> Expand(string part, string assignment)
    {
        if (Range().Match(part) is not { Success: true } range)
        {
            return [part];
        }

        return int.TryParse(range.Groups[1].Value, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(range.Groups[2].Value, CultureInfo.InvariantCulture, out int last)
            && first <= last && (long)last - first < MostValues
            ? Enumerable.Range(first, last - first + 1).Select(value => value.ToString(CultureInfo.InvariantCulture))
            : throw new WorkbookException($"-p {assignment}: {part} is no range: write the smaller number first, and at most {MostValues:N0} numbers");
    }

    [GeneratedRegex(@"^(-?\d+)\.\.(-?\d+)$")]
    private static partial Regex Range();
}
