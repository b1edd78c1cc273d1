using Plotly.NET;

namespace Workbook.Notebook;

public static partial class Draw
{
    private const string Makes = "makes them", Reads = "reads them", NormalizesAnew = "normalizes over them";

    /// <summary>
    /// Which layers hang together: a column for each group of channels, a row for each layer. A group's layers make its channels (filled), others read them
    /// (hollow), and all of them lose a channel together; norms over them are crosses. Grey groups stay whole.
    /// </summary>
    /// <param name="title">What the chart says.</param>
    /// <param name="graph">The traced model.</param>
    /// <param name="height">Height in pixels; by default what the rows need.</param>
    public static Figure Channels(string title, ChannelGraph graph, int? height = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        (ChannelGroup Group, Dictionary<string, string> Roles)[] groups = [.. graph.Groups.Select(g => (g, RolesOf(g)))];
        string[] rows = [.. graph.Layers.Select(l => l.Name).Where(name => groups.Any(g => g.Roles.ContainsKey(name)))];
        List<Trace> traces = [];
        foreach ((int index, (ChannelGroup group, Dictionary<string, string> roles)) in groups.Index())
        {
            string color = group.WholeBecause is null ? Palette.For($"group {index + 1}") : Palette.Neutral;
            string[] layers = [.. rows.Where(roles.ContainsKey)];
            traces.Add(Plot.Trace("scatter", new
            {
                mode = "lines+markers",
                x = layers.Select(_ => index + 1).ToArray(),
                y = layers,
                line = new { color, width = 2 },
                marker = new
                {
                    symbol = layers.Select(l => roles[l] switch { Makes => "circle", Reads => "circle-open", _ => "x-thin-open" }).ToArray(),
                    size = 11,
                    color,
                    line = new { width = 2, color },
                },
                text = layers.Select(l => $"{Escape(l)}: {roles[l]}<br>{Escape(Words(group))}").ToArray(),
                hovertemplate = "%{text}<extra></extra>",
            }));
        }

        GenericChart chart = Plot.Chart(
            traces,
            ("xaxis", Plot.Axis("group of channels", ("dtick", 1), ("range", new[] { 0.5, groups.Length + 0.5 }), ("fixedrange", true))),
            ("yaxis", Plot.Axis("", ("type", "category"), ("categoryorder", "array"), ("categoryarray", rows), ("autorange", "reversed"), ("dtick", 1),
                ("fixedrange", true))),
            ("showlegend", false));
        string words = string.Join("; ", groups.Select(g => $"{string.Join(", ", g.Group.Layers)} make {Words(g.Group)}"));
        return new Figure(chart, title, words, height ?? 110 + (22 * rows.Length));
    }

    private static string Words(ChannelGroup group) => $"{group.Units.Count} units{(group.WholeBecause is { } why ? ", which stay: " + why : "")}";

    private static Dictionary<string, string> RolesOf(ChannelGroup group)
    {
        Dictionary<string, string> roles = group.Units.SelectMany(u => u.Inputs).Select(i => i.Layer).Distinct().ToDictionary(name => name, _ => Reads);
        foreach (string name in group.Renormalized)
        {
            roles[name] = NormalizesAnew;
        }

        foreach (string name in group.Layers)
        {
            roles[name] = Makes;
        }

        return roles;
    }
}
