using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Notebooks;

namespace Workbook.Cli.Publishing;

/// <summary>An executed notebook as the repository keeps it: pictures in place of charts, for readers whose page runs no script.</summary>
internal static partial class PublishedNotebook
{
    /// <summary>The most bytes that a notebook in the repository has.</summary>
    public const int MostBytes = 2_000_000;

    private const string Html = "text/html";
    private const string Png = "image/png";
    private const string PictureTag = "picture:";

    /// <summary>Exchanges each chart for its picture and its words.</summary>
    /// <exception cref="WorkbookException">A chart can't be drawn, or they don't fit.</exception>
    public static async Task DrawChartsAsync(NotebookDocument notebook, string browser, CancellationToken cancellation)
    {
        JsonObject[] charts = [.. notebook.CodeCells.SelectMany(Outputs).Where(output => HasScript(output["data"]?[Html]))];
        if (charts.Length == 0)
        {
            return;
        }

        string[] parts = [.. charts.Select(chart => MultilineText.FromNode(chart["data"]![Html])!)];
        foreach (JsonObject chart in charts)
        {
            chart["data"]!.AsObject().Remove(Html);
        }

        // In the file the pictures are base64: four characters for three bytes.
        int room = Math.Max(0, (MostBytes - JupyterJson.Serialize(notebook.Root).Length - (200 * charts.Length)) / 4 * 3);
        IReadOnlyList<byte[]?> pictures = await Stills.DrawAsync(browser, parts, room, cancellation).ConfigureAwait(false);
        foreach ((JsonObject chart, byte[]? picture) in charts.Zip(pictures))
        {
            if (picture is null)
            {
                chart.Parent!.AsArray().Remove(chart);
                continue;
            }

            JsonObject data = chart["data"]!.AsObject();
            data[Png] = Convert.ToBase64String(picture);
            if (chart["metadata"] is JsonObject metadata)
            {
                metadata[Png] = new JsonObject { ["width"] = Stills.Width };
            }
        }
    }

    /// <summary>The pictures of cells tagged <c>picture:NAME</c>: of each the first.</summary>
    public static IEnumerable<(string Name, byte[] Picture)> NamedPictures(NotebookDocument notebook)
    {
        foreach (JsonObject cell in notebook.CodeCells)
        {
            JsonNode? first = Outputs(cell).Select(output => output["data"]?[Png]).FirstOrDefault(picture => picture is not null);
            foreach (string name in PictureNames(cell))
            {
                if (!PlainName().IsMatch(name))
                {
                    throw new WorkbookException($"the tag {PictureTag}{name} names no file: use letters, digits, - and _");
                }

                yield return first is not null
                    ? (name, Convert.FromBase64String(MultilineText.FromNode(first)!))
                    : throw new WorkbookException($"the cell tagged {PictureTag}{name} shows no chart");
            }
        }
    }

    /// <summary>The names that a cell's tags give to its first picture.</summary>
    public static IEnumerable<string> PictureNames(JsonObject cell) =>
        (cell["metadata"]?["tags"] as JsonArray ?? []).Select(tag => $"{tag}").Where(tag => tag.StartsWith(PictureTag, StringComparison.Ordinal))
            .Select(tag => tag[PictureTag.Length..]);

    /// <summary>What is wrong with a notebook for a repository, a line each.</summary>
    public static IEnumerable<string> Faults(NotebookDocument notebook)
    {
        int bytes = JupyterJson.Serialize(notebook.Root).Length;
        if (bytes > MostBytes)
        {
            yield return $"it has {bytes / 1e6:0.0} MB, {MostBytes / 1e6:0.0} are allowed";
        }

        int codes = 0, words = 0;
        foreach (JsonObject cell in notebook.Cells)
        {
            bool isCode = NotebookDocument.IsCode(cell);
            string place = isCode ? $"code cell {++codes}" : $"text cell {++words}";
            if (isCode && !string.IsNullOrWhiteSpace(NotebookDocument.Source(cell)) && cell["execution_count"] is null)
            {
                yield return $"{place} was not run";
            }

            foreach (JsonObject output in Outputs(cell).Where(output => output["output_type"]?.ToString() == "error"))
            {
                yield return $"{place} failed: {output["ename"]}: {output["evalue"]}";
            }

            foreach (string text in Texts(cell))
            {
                if (text.Contains("<script", StringComparison.OrdinalIgnoreCase))
                {
                    yield return $"{place} holds a script, which pages of repositories don't run";
                }

                if (MachinePath().Match(text) is { Success: true } path)
                {
                    yield return $"{place} holds a path of this machine: {path.Value}";
                }
            }
        }
    }

    private static IEnumerable<JsonObject> Outputs(JsonObject cell) => (cell["outputs"] as JsonArray ?? []).OfType<JsonObject>();

    private static bool HasScript(JsonNode? html) => MultilineText.FromNode(html)?.Contains("<script", StringComparison.OrdinalIgnoreCase) == true;

    // Source and outputs without pictures: by chance these could hold anything.
    private static IEnumerable<string> Texts(JsonObject cell)
    {
        yield return NotebookDocument.Source(cell);
        foreach (JsonObject output in Outputs(cell))
        {
            yield return MultilineText.FromNode(output["text"]) ?? "";
            foreach ((string type, JsonNode? value) in output["data"] as JsonObject ?? [])
            {
                yield return type.StartsWith("image/", StringComparison.Ordinal) && type != "image/svg+xml" ? "" : MultilineText.FromNode(value) ?? $"{value}";
            }
        }
    }

    // Not Windows' devices either, which answer to "nul.png" in any folder.
    [GeneratedRegex(@"\A(?!(con|prn|aux|nul|com.|lpt.)(\.|\z))[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();

    [GeneratedRegex(@"(?<![\w.:/<])/(?:home|root|Users|tmp|private|var|mnt|opt|usr|srv|work)/[^\s""'<]+|\b[A-Z]:\\\w[^\s""'<]*|(?:\.\./){2,}\w[^\s""'<]*")]
    private static partial Regex MachinePath();
}
