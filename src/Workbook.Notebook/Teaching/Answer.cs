using System.Globalization;
using System.Net;

namespace Workbook.Notebook;

/// <summary>What a run measured for a question that the notebook asked before its chart, with the choices that people believe.</summary>
/// <param name="question">The question in short, e.g. "at 95 %, not trained again".</param>
/// <param name="words">What came out.</param>
public sealed class Answer(string question, string words) : IShowable
{
    /// <summary>Of choices that are numbers the one that is nearest to what was measured here.</summary>
    /// <param name="question">The question in short.</param>
    /// <param name="measured">What was measured, one value a seed.</param>
    /// <param name="unit">The unit of both.</param>
    /// <param name="choices">The choices.</param>
    /// <exception cref="WorkbookException">There are no choices.</exception>
    public static Answer Nearest(string question, IEnumerable<double> measured, string unit, params double[] choices)
    {
        double[] values = [.. measured];
        if (choices.Length == 0)
        {
            throw new WorkbookException($"the question \"{question}\" has no choices");
        }

        string? format = choices.Any(c => Math.Abs(c) is > 0 and < 0.01) ? "G3" : null; // two decimals would say 0.00
        string all = string.Join(", ", choices.Select(Number)), inUnits = unit.Length == 0 ? "" : " " + unit;
        return values.Length == 0 || !values.All(double.IsFinite) ? new(question, $"no number here; the choices were {all}{inUnits}")
            : new(question, $"{Summary.Of(values).ToString(format, null)}{inUnits}, nearest to "
                + $"{Number(choices.MinBy(c => Math.Abs(c - values.Average())))} of {all}");
    }

    /// <summary>A card and a line of text.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = ToHtml(),
        ["text/plain"] = $"[answer] {question}: {words}",
    };

    /// <summary>The card of <see cref="ToBundle"/>.</summary>
    public string ToHtml() => Card.Html("wb-answer", Card.Beside, "→ answer", question, WebUtility.HtmlEncode(words));

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
