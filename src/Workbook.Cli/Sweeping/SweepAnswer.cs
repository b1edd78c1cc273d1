using System.Globalization;
using System.Text;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Notebook;
using static System.Net.WebUtility;

namespace Workbook.Cli.Sweeping;

/// <summary>What a sweep's page says of what was asked: recorded quantities over the parameters, then claims, then comparisons.</summary>
internal sealed class SweepAnswer
{
    private const int ChartHeight = 400, ClaimHeight = 280;

    private readonly StringBuilder _html;
    private readonly SweepSummary _summary;
    private readonly IReadOnlyList<Axis> _axes;
    private readonly Comparison[] _comparisons;

    /// <param name="html">The page so far.</param>
    /// <param name="summary">What was measured.</param>
    public SweepAnswer(StringBuilder html, SweepSummary summary)
    {
        (_html, _summary, _axes) = (html, summary, summary.Axes);
        _comparisons = [.. summary.Values.SelectMany(summary.Compare)];
    }

    private string Means => _summary.Over is null ? "single values" : $"means over {_summary.Over}, bars: 95 % intervals";

    public void Append()
    {
        IReadOnlyList<Quantity> recorded = Quantity.Of(_summary.Values.Where(value => !value.IsClaim));
        foreach (Quantity quantity in recorded)
        {
            _html.Append($"<h2>{HtmlEncode(Heading(quantity.Name) + Along(Charted(quantity)))}</h2>");
            AppendQuantity(quantity);
        }

        MeasuredValue[] changed = AppendClaims();
        AppendComparisons([.. recorded.SelectMany(quantity => quantity.Methods.Select(m => m.Value)), .. changed]);
    }

    // Whether a value is the same at each of a parameter's, all else equal.
    private bool IsConstant(MeasuredValue value, int axis) => _axes[axis].Values.Count < 2
        || (_summary.CellsOf(value) is var cells && cells.GroupBy(cell => string.Join('\n', cell.Levels.Where((_, i) => i != axis)))
            .All(group => group.All(cell => cell.ByReplicate.All(m =>
                !group.First().ByReplicate.TryGetValue(m.Key, out double first) || first.Equals(m.Value)))));

    /// <summary>The parameters that change a quantity, the one along x first: the one with the most levels, numbers before names.</summary>
    private int[] Charted(Quantity quantity) => [.. Enumerable.Range(0, _axes.Count).Where(axis => quantity.Methods.Any(m => !IsConstant(m.Value, axis)))
        .OrderByDescending(axis => _axes[axis].Values.All(v => double.TryParse(v, CultureInfo.InvariantCulture, out _)))
            .ThenByDescending(axis => _axes[axis].Values.Count)];

    private static string Heading(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    private string Along(int[] axes) => axes.Length == 0 ? "" : $" over {string.Join(" and ", axes.Select(axis => _axes[axis].Name))}";

    private void AppendQuantity(Quantity quantity)
    {
        int[] charted = Charted(quantity);
        bool isClaim = quantity.Methods[0].Value.IsClaim;
        AppendUnchanged(quantity, charted);
        (string Name, Cell[] Cells)[] lines = [.. quantity.Methods.SelectMany(method => Pooled(method.Value, charted)
            .GroupBy(cell => string.Join(' ', charted.Skip(1).Select(axis => $"{_axes[axis].Name}={cell.Levels[axis]}")))
            .Select(group => (string.Join(", ", new[] { method.Method, group.Key }.Where(part => part.Length > 0)), group.ToArray())))];
        if (lines.Length == 0)
        {
            _html.Append("<p class=\"quiet\">No point measured a finite number.</p>");
            return;
        }

        if (charted.Length > 0)
        {
            Axis x = _axes[charted[0]];
            _html.Append(ChartMarkup.Of(Draw.Intervals("", x.Name, isClaim ? quantity.Unit : quantity.Title,
                lines.Select(line => (line.Name.Length > 0 ? line.Name : quantity.Name,
                    line.Cells.Select(cell => (cell.Levels[charted[0]], Interval.Of(cell.ByReplicate.Values))).ToArray())),
                isClaim ? ClaimHeight : ChartHeight)
                .WithCaption($"{_summary.RanOn} · {Means}").ToBundle()["text/html"]));
        }

        AppendTable(quantity, charted, lines);
    }

    // A row for each level along x, a column for each line; where nothing changes, a row for each method.
    private void AppendTable(Quantity quantity, int[] charted, (string Name, Cell[] Cells)[] lines)
    {
        string mean = _summary.Over is null ? "measured" : "mean [95 % interval]";
        if (charted.Length == 0)
        {
            Table rows = new("", "", quantity.Unit.Length > 0 ? $"{mean}, {quantity.Unit}" : mean);
            foreach ((string name, Cell[] cells) in lines)
            {
                rows.Add(name.Length > 0 ? name : quantity.Name, Text(cells[0]));
            }

            _html.Append(rows.ToBundle()["text/html"]);
            return;
        }

        Axis x = _axes[charted[0]];
        Table table = new("", [x.Name, .. lines.Select(line => new Column(line.Name.Length > 0 ? line.Name : mean))]);
        foreach (string level in x.Values)
        {
            Cell?[] at = [.. lines.Select(line => line.Cells.FirstOrDefault(cell => cell.Levels[charted[0]] == level))];
            if (at.Any(cell => cell is not null))
            {
                table.Add([level, .. at.Select(cell => cell is null ? "" : Text(cell))]);
            }
        }

        _html.Append(table.ToBundle()["text/html"]);
    }

    private string Text(Cell cell)
    {
        Interval interval = Interval.Of(cell.ByReplicate.Values);
        int all = _summary.Sweep.Definition.Axes.FirstOrDefault(axis => axis.Name == _summary.Over)?.Values.Count ?? 1;
        return SweepSummary.Text(interval) + (interval.Count < all ? $" ({interval.Count} of {all})" : "");
    }

    private void AppendUnchanged(Quantity quantity, int[] charted)
    {
        foreach (Axis axis in _axes.Where((axis, i) => axis.Values.Count > 1 && !charted.Contains(i)))
        {
            _html.Append($"<p><code>{HtmlEncode(axis.Name)}</code> changes nothing here: the same number at each of its {axis.Values.Count} values.</p>");
        }

        foreach (int axis in charted)
        {
            string[] same = [.. quantity.Methods.Where(m => IsConstant(m.Value, axis)).Select(m => m.Method)];
            _html.Append(same.Length > 0
                ? $"<p class=\"quiet\"><code>{HtmlEncode(_axes[axis].Name)}</code> does not change {HtmlEncode(string.Join(", ", same))}: the same number at "
                    + $"each of its values.</p>"
                : "");
        }
    }

    // Cells that differ in what changes nothing are one.
    private IEnumerable<Cell> Pooled(MeasuredValue value, int[] charted) => _summary.CellsOf(value)
        .DistinctBy(cell => string.Join('\n', charted.Select(axis => cell.Levels[axis])));

    // Returns the claims on which a parameter makes a difference.
    private MeasuredValue[] AppendClaims()
    {
        MeasuredValue[] claims = [.. _summary.Values.Where(value => value.IsClaim)];
        MeasuredValue[] measured = [.. claims.Where(claim => _summary.CellsOf(claim).Count > 0)];
        MeasuredValue[] changed = [.. measured.Where(claim => _comparisons.Any(c => c.Value == claim && c.IsSeen)
            || (_summary.Over is null && Charted(Quantity.OfClaim(claim, _summary.Finished)).Length > 0))];
        if (claims.Length == 0)
        {
            return [];
        }

        _html.Append("<h2>Claims</h2>");
        AppendSteady([.. measured.Except(changed)]);
        foreach (MeasuredValue claim in changed)
        {
            Quantity quantity = Quantity.OfClaim(claim, _summary.Finished);
            _html.Append($"<h3>{HtmlEncode(quantity.Title)}</h3>").Append(Verdict(claim) is { Length: > 0 } verdict
                ? $"<p class=\"quiet\">{HtmlEncode(verdict)}</p>" : "");
            AppendQuantity(quantity);
        }

        int left = claims.Length - measured.Length;
        _html.Append(left > 0 ? $"<p class=\"quiet\">{left} {(left == 1 ? "claim is" : "claims are")} not measured here: a paper's numbers on its data set and "
            + "in its profile, or what needs another profile.</p>" : "");
        return changed;
    }

    private void AppendSteady(MeasuredValue[] claims)
    {
        string[] swept = [.. _axes.Where(axis => axis.Values.Count > 1).Select(axis => $"<code>{HtmlEncode(axis.Name)}</code>")];
        if (claims.Length == 0)
        {
            return;
        }

        _html.Append(swept.Length > 0 && _summary.Over is not null
            ? $"<p>On these {string.Join(" and ", swept)} {(swept.Length == 1 ? "makes" : "make")} no difference beyond what "
                + $"<code>{HtmlEncode(_summary.Over)}</code> makes:</p>"
            : "");
        Table table = new("", "claim", _summary.Over is null ? "measured" : "mean [95 % interval]", "expected", "holds in");
        foreach (MeasuredValue claim in claims)
        {
            // Each replicate's mean over what makes no difference.
            double[] means = [.. _summary.CellsOf(claim).SelectMany(cell => cell.ByReplicate).GroupBy(m => m.Key).Select(m => m.Average(v => v.Value))];
            (int holds, int judged) = Judged(claim);
            table.Add(Quantity.OfClaim(claim, _summary.Finished).Name, $"{SweepSummary.Text(Interval.Of(means))} {claim.Unit}".TrimEnd(), claim.Expected ?? "",
                judged > 0 ? $"{holds} of {judged}" : "");
        }

        _html.Append(table.ToBundle()["text/html"]);
    }

    private string Verdict(MeasuredValue claim) => Judged(claim) is (var holds, > 0 and var judged)
        ? $"The claim holds in {holds} of {judged} points{(claim.Expected is { Length: > 0 } expected ? $" (expected {expected})" : "")}." : "";

    private (int Holds, int Judged) Judged(MeasuredValue claim)
    {
        bool[] judged = [.. _summary.Finished.Select(o => o.Values.FirstOrDefault(v => v.Name == claim.Name)?.Holds).OfType<bool>()];
        return (judged.Count(holds => holds), judged.Length);
    }

    // Where a parameter changes nothing in any pair, the sections above say so.
    private void AppendComparisons(IReadOnlyList<MeasuredValue> values)
    {
        Comparison[] all = [.. _comparisons.Where(c => !c.IsNone)], shown = [.. all.Where(c => values.Contains(c.Value)).OrderBy(c => c.Value.IsClaim)];
        if (shown.Length == 0)
        {
            return;
        }

        Table table = new("", "value", "difference", "mean [95 % interval]", "higher in");
        foreach (Comparison c in shown)
        {
            table.Add(c.Value.IsClaim ? Quantity.OfClaim(c.Value, _summary.Finished).Name : c.Value.Name, c.What,
                $"{SweepSummary.Text(c.Difference)} {c.Value.Unit}".TrimEnd(), $"{c.Higher} of {c.Difference.Count}");
        }

        _html.Append("<h2>Paired comparisons</h2>")
            .Append($"<p class=\"quiet\">Each level against the parameter's first, at the same <code>{HtmlEncode(_summary.Over!)}</code> and all else "
                + $"equal. An interval without 0 in it speaks for a difference; with {all.Length} comparisons in all, "
                    + $"expect about {all.Length * 0.05:0.#} such by chance.</p>")
            .Append(table.ToBundle()["text/html"]);
    }
}
