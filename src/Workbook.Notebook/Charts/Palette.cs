using System.Collections.Concurrent;
using System.Globalization;

namespace Workbook.Notebook;

/// <summary>
/// Colours that colour-blind readers can tell apart (Okabe and Ito 2008); a method keeps its colour in every notebook.
/// </summary>
public static class Palette
{
    /// <summary>What is kept: blue.</summary>
    public const string Kept = "#0072B2";

    /// <summary>What is pruned: vermilion.</summary>
    public const string Pruned = "#D55E00";

    /// <summary>Grid, references and text that has to be legible on white and on black.</summary>
    public const string Neutral = "#808080";

    private const string Start = " start";
    private const string End = " end";

    private static readonly string[] s_colors = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8C6D31", "#6A51A3"];

    private static readonly Dictionary<string, string> s_methods = new(StringComparer.OrdinalIgnoreCase)
    {
        ["dense"] = Neutral,
        ["magnitude"] = "#0072B2",
        ["one-shot"] = "#56B4E9",
        ["one-shot, no fine-tuning"] = "#CC79A7",
        ["no fine-tuning"] = "#CC79A7",
        ["fine-tuned"] = "#0072B2",
        ["iterative"] = "#009E73",
        ["random"] = "#D55E00",
        ["gradient·weight"] = "#E69F00",
        ["dropout"] = "#6A51A3",
        ["lottery ticket"] = "#009E73",
        ["winning ticket"] = "#009E73",
        ["lottery"] = "#009E73",
        ["reinit"] = "#E69F00",
        ["random mask"] = "#D55E00",
        ["scratch"] = "#D55E00",
        ["scratch+"] = "#E69F00",
        ["pruned"] = "#0072B2",
        ["unstructured"] = "#0072B2",
        ["structured"] = "#E69F00",
        ["rigl"] = "#6A51A3",
        ["rigl+"] = "#6A51A3",
        ["set"] = "#CC79A7",
        ["small dense"] = "#56B4E9",
        ["SNIP"] = "#E69F00",
        ["GraSP"] = "#CC79A7",
        ["SynFlow"] = "#009E73",
        ["magnitude, untrained"] = "#56B4E9",
        ["random, ERK"] = "#8C6D31",
        ["diagonal"] = "#E69F00",
        ["block"] = "#009E73",
        ["SparseGPT"] = "#6A51A3",
        ["Wanda"] = "#CC79A7",
    };

    private static readonly ConcurrentDictionary<string, string> s_others = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The method's colour as <c>#RRGGBB</c>; names not in the fixed table get the next free colour, in order of their first use.</summary>
    public static string For(string method)
    {
        if (s_methods.TryGetValue(method, out string? color))
        {
            return color;
        }

        lock (s_others)
        {
            return s_others.GetOrAdd(method, _ => s_colors[s_others.Count % s_colors.Length]);
        }
    }

    /// <summary>
    /// The colours of several methods in one chart: a fixed method keeps its own, the others take those that are free.
    /// A published curve, and a method's start and end, have the colour of the method they are named after.
    /// </summary>
    public static IReadOnlyList<string> ForAll(IEnumerable<string> methods)
    {
        string[] names = [.. methods.Select(MethodOf)];
        HashSet<string> taken = [.. names.Where(s_methods.ContainsKey).Select(name => s_methods[name])];
        Dictionary<string, string> colors = new(StringComparer.OrdinalIgnoreCase);
        foreach (string name in names.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            string color = For(name);
            if (!s_methods.ContainsKey(name))
            {
                color = taken.Contains(color) ? s_colors.FirstOrDefault(c => !taken.Contains(c), color) : color;
                taken.Add(color);
            }

            colors[name] = color;
        }

        return [.. names.Select(name => colors[name])];
    }

    /// <summary>Whether a curve is about where a method starts: <c>Lottery start</c>.</summary>
    internal static bool IsStart(string name) => name.EndsWith(Start, StringComparison.Ordinal);

    private static string MethodOf(string name) => Without(Without(Without(name, PublishedCurves.Mark), Start), End);

    private static string Without(string name, string suffix) => name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : name;

    /// <summary>The colour with an opacity, as CSS <c>rgba()</c>.</summary>
    internal static string Fade(string color, double opacity)
    {
        int rgb = int.Parse(color.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return FormattableString.Invariant($"rgba({rgb >> 16},{(rgb >> 8) & 255},{rgb & 255},{opacity:0.##})");
    }
}
