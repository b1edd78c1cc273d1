using System.Globalization;
using System.Text.RegularExpressions;

namespace Workbook.Cli.Sweeping;

/// <summary>A parameter of the notebook and the values that it takes in a sweep, as they were typed.</summary>
internal sealed partial record Axis(string Name, IReadOnlyList<string> Values)
{
    private const int MostValues = 100_000;

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
            string[] values = at < 1 ? [] : [.. Split(assignment[(at + 1)..]).SelectMany(part => Expand(part, assignment))];
            if (name.Length == 0 || values.Length == 0 || values.Contains(""))
            {
                throw new WorkbookException($"-p {assignment}: write name=value, name=first..last or name=value,value,…");
            }

            if (values.GroupBy(value => value).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw new WorkbookException($"-p {assignment}: {twice.Key} is there twice: name every value once");
            }

            axes[name] = new Axis(name, values);
        }

        return [.. axes.Values];
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

    private static IEnumerable<string> Split(string text)
    {
        int depth = 0, start = 0;
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            quoted ^= text[i] == '"';
            depth += quoted ? 0 : text[i] switch { '[' or '(' or '{' => 1, ']' or ')' or '}' => -1, _ => 0 };
            if (text[i] == ',' && !quoted && depth <= 0)
            {
                yield return text[start..i].Trim();
                start = i + 1;
            }
        }

        yield return text[start..].Trim();
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
