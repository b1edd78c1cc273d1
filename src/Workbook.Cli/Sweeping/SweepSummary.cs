using System.Globalization;
using System.Text;
using Spectre.Console;
using Workbook.Cli.Outcome;
using Workbook.Cli.Terminal;
using Workbook.Notebook;
using Table = Spectre.Console.Table;

namespace Workbook.Cli.Sweeping;

/// <summary>A value at one configuration: every parameter but the one that is averaged over.</summary>
/// <param name="Levels">The configuration's values, in the order of the axes that are not averaged over.</param>
/// <param name="ByReplicate">The averaged-over parameter's value → what was measured; numbers that are not finite are left out.</param>
internal sealed record Cell(IReadOnlyList<string> Levels, IReadOnlyDictionary<string, double> ByReplicate);

/// <summary>Two levels of one parameter, all else equal.</summary>
/// <param name="Value">What was measured.</param>
/// <param name="Axis">Which parameter: its place among those that are not averaged over.</param>
/// <param name="What">E.g. <c>sparsity 0.95 − 0.9, method=random</c>.</param>
/// <param name="Difference">The mean over pairs, with its interval.</param>
/// <param name="Higher">In how many pairs the first was higher.</param>
internal sealed record Comparison(MeasuredValue Value, int Axis, string What, Interval Difference, int Higher)
{
    /// <summary>Whether all pairs measured the same number: the parameter is not in what was measured.</summary>
    public bool IsNone => Difference is { Low: 0, High: 0 };

    /// <summary>Whether the interval has no 0 in it.</summary>
    public bool IsSeen => Difference is { Low: > 0 } or { High: < 0 };
}

/// <summary>What a sweep has measured so far.</summary>
internal sealed class SweepSummary
{
    private const string TableFile = "points.csv";
    private const string PageFile = "report.html";
    private const int MostPrinted = 30;

    private readonly Axis? _over;

    public SweepSummary(Sweep sweep)
    {
        Sweep = sweep;
        List<PointOutcome> finished = [], failed = [];
        List<SweepPoint> missing = [];
        foreach (SweepPoint point in sweep.Points)
        {
            if (sweep.Store.Find(point) is { } outcome)
            {
                finished.Add(outcome);
            }
            else if (sweep.Store.FindFailure(point) is { } failure)
            {
                failed.Add(failure);
            }
            else
            {
                missing.Add(point);
            }
        }

        (Finished, Failed, Missing) = (finished, failed, missing);
        _over = sweep.Definition.Axes.FirstOrDefault(axis => axis.Name == sweep.Definition.Over);
        Axes = [.. sweep.Definition.Axes.Where(axis => axis != _over)];
        Values = [.. finished.SelectMany(outcome => outcome.Values).DistinctBy(value => value.Name)];
    }

    public Sweep Sweep { get; }

    public IReadOnlyList<PointOutcome> Finished { get; }

    public IReadOnlyList<PointOutcome> Failed { get; }

    public IReadOnlyList<SweepPoint> Missing { get; }

    /// <summary>The parameters that are not averaged over.</summary>
    public IReadOnlyList<Axis> Axes { get; }

    /// <summary>The parameter that is averaged over; null where there is none.</summary>
    public string? Over => _over?.Name;

    /// <summary>What all of it was measured on, e.g. <c>mnist, quick profile</c>.</summary>
    public string RanOn => $"{(Sweep.Definition.Dataset is { } dataset ? $"{dataset}, " : "")}{Sweep.Definition.Profile} profile";

    /// <summary>What was measured, by name: each once, with its unit.</summary>
    public IReadOnlyList<MeasuredValue> Values { get; }

    /// <summary>What <see cref="Write"/> writes, a line each.</summary>
    public static string PathsIn(string folder) => $"{Path.Combine(folder, TableFile)}{Environment.NewLine}{Path.Combine(folder, PageFile)}";

    /// <summary>Writes the table and the page.</summary>
    public void Write(string folder)
    {
        AtomicFile.Write(Path.Combine(folder, TableFile), Encoding.UTF8.GetBytes(Csv()));
        SweepReport.Write(Path.Combine(folder, PageFile), this);
    }

    /// <summary>A value at each configuration that has it.</summary>
    public IReadOnlyList<Cell> CellsOf(MeasuredValue value)
    {
        IEnumerable<(PointOutcome Outcome, double Measured)> measured = Finished
            .Select(outcome => (outcome, outcome.Values.FirstOrDefault(v => v.Name == value.Name)?.Value ?? double.NaN)).Where(m => double.IsFinite(m.Item2));
        Dictionary<string, string[]> levels = [];
        return [.. measured.GroupBy(m =>
        {
            string[] at = [.. Axes.Select(axis => m.Outcome.Point.Parameters[axis.Name])];
            string key = string.Join('\n', at);
            levels[key] = at;
            return key;
        }).Select(group => new Cell(levels[group.Key], group.ToDictionary(m => _over is null ? "" : m.Outcome.Point.Parameters[_over.Name], m => m.Measured)))];
    }

    /// <summary>Each parameter's levels against its first, all else equal, paired over the parameter that is averaged over.</summary>
    public IEnumerable<Comparison> Compare(MeasuredValue value)
    {
        IReadOnlyList<Cell> cells = CellsOf(value);
        for (int a = 0; _over is not null && a < Axes.Count; a++)
        {
            int axis = a;
            foreach (IGrouping<string, Cell> others in cells.GroupBy(cell =>
                string.Join(", ", Axes.Select((other, i) => $"{other.Name}={cell.Levels[i]}").Where((_, i) => i != axis && Axes[i].Values.Count > 1))))
            {
                Cell? first = others.FirstOrDefault(cell => cell.Levels[axis] == Axes[axis].Values[0]);
                foreach (Cell cell in others.Where(cell => first is not null && cell != first))
                {
                    double[] differences = [.. cell.ByReplicate.Where(m => first!.ByReplicate.ContainsKey(m.Key))
                        .Select(m => m.Value - first!.ByReplicate[m.Key])];
                    if (differences.Length > 1)
                    {
                        string what = $"{Axes[axis].Name} {cell.Levels[axis]} − {first!.Levels[axis]}{(others.Key.Length > 0 ? ", " + others.Key : "")}";
                        yield return new Comparison(value, axis, what, Interval.Of(differences), differences.Count(d => d > 0));
                    }
                }
            }
        }
    }

    /// <summary>The means, if they are few enough for a terminal.</summary>
    public void Print()
    {
        (MeasuredValue Value, Cell Cell)[] rows = [.. Values.SelectMany(value => CellsOf(value).Select(cell => (value, cell)))];
        if (Finished.Count > 0 && rows.Length == 0)
        {
            Console.WriteLine("the notebook recorded no number: make claims, or call Lab.Record(name, value)");
        }

        if (rows.Length is 0 or > MostPrinted)
        {
            return;
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 140;
        }

        Table table = new Table().Border(TableBorder.Rounded);
        table.AddColumn("value");
        table.AddColumn(Axes.Count == 0 ? "" : string.Join(' ', Axes.Select(axis => PlainText.Markup(axis.Name))));
        table.AddColumn(new TableColumn(Over is null ? "measured" : "mean [[95 % interval]]").RightAligned());
        table.AddColumn(new TableColumn(PlainText.Markup(Over ?? "points")).RightAligned());
        foreach ((MeasuredValue value, Cell cell) in rows)
        {
            Interval interval = Interval.Of(cell.ByReplicate.Values);
            table.AddRow(PlainText.Markup(value.Statement ?? value.Name), PlainText.Markup(string.Join(' ', cell.Levels)),
                PlainText.Markup($"{Text(interval)} {value.Unit}".TrimEnd()), interval.Count.ToString(CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
    }

    /// <summary>
    /// As many digits as the interval allows: of its half width two where it begins with 1 or 2, else one, e.g. <c>97.41 [97.30, 97.52]</c>; four digits
    /// where it has no width.
    /// </summary>
    public static string Text(Interval interval)
    {
        double size = new[] { interval.Mean, interval.Low, interval.High }.Max(Math.Abs), half = (interval.High - interval.Low) / 2;
        int told = half > size * 1e-9 ? -(int)Math.Floor(Math.Log10(half / 3)) : 3 - (size > 0 ? (int)Math.Floor(Math.Log10(size)) : 1);
        string format = size is > 0 and < 0.001 or >= 1e6 ? "0.0##E+0" : "F" + Math.Clamp(told, 0, 6).ToString(CultureInfo.InvariantCulture);
        return half > size * 1e-9 ? interval.ToString(format, CultureInfo.InvariantCulture) : interval.Mean.ToString(format, CultureInfo.InvariantCulture);
    }

    private string Csv()
    {
        StringBuilder csv = new();
        string[] names = [.. Sweep.Definition.Axes.Select(axis => axis.Name)];
        Line(csv, ["notebook", .. names, "value", "measured", "spread", "unit", "holds", "profile", "dataset", "seconds", "processor_seconds", "peak_memory",
            "point"]);
        foreach (PointOutcome outcome in Finished)
        {
            foreach (MeasuredValue value in outcome.Values)
            {
                Line(csv, [
                    outcome.Point.Notebook, .. names.Select(name => outcome.Point.Parameters[name]), value.Name, Number(value.Value), Number(value.Spread),
                        value.Unit,
                    value.Holds is { } holds ? holds ? "true" : "false" : "", outcome.Point.Profile, outcome.Point.Dataset?.ToString() ?? "",
                    Number(Math.Round(outcome.Seconds, 3)), Number(Math.Round(outcome.ProcessorSeconds, 3)), Number(outcome.PeakMemory), outcome.Point.Hash,
                ]);
            }
        }

        return csv.ToString();
    }

    private static void Line(StringBuilder csv, IEnumerable<string> fields) =>
        csv.AppendJoin(',', fields.Select(field => field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"")}\"" : field)).Append('\n');

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";
}
