using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Notebook;

namespace Workbook.Cli.Publishing;

/// <summary>
/// Papers' numbers beside those of runs in the profile <c>paper</c>: kept in <c>docs/papers.json</c>, as such runs take hours, and a table of the README.
/// An entry is a claim, the day it was measured on, and a cause where the numbers differ, which is written by hand and stays.
/// </summary>
internal static class PaperTable
{
    private const string Begin = "<!-- papers: written by `workbook publish --papers` -->\n";
    private const string End = "<!-- /papers -->";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Where the numbers of the notebooks in a folder lie.</summary>
    public static string PathFor(string notebooks) => Path.GetFullPath(Path.Combine(notebooks, "..", "docs", "papers.json"));

    /// <summary>Takes a run's numbers in, and renews the README beside the notebooks' folder; returns the files that were written.</summary>
    /// <param name="results">Notebooks of one folder.</param>
    /// <exception cref="WorkbookException">The run set nothing beside a paper's number, or a file is not what it should be; nothing is written.</exception>
    public static IReadOnlyList<string> Write(IReadOnlyList<NotebookResult> results, DateOnly today)
    {
        Claim[] claims = [.. results.SelectMany(result => result.Claims).Where(claim => claim is { IsPublished: true, IsMeasured: true })];
        string folder = Path.GetDirectoryName(results[0].SourcePath)!, path = PathFor(folder);
        string readme = Path.GetFullPath(Path.Combine(folder, "..", "README.md"));
        if (claims.Length == 0)
        {
            throw new WorkbookException("nothing is published: this run set nothing beside a paper's number: run with --profile paper, on the papers' data");
        }

        JsonArray entries = Read(path);
        foreach (Claim claim in claims)
        {
            JsonObject? entry = entries.OfType<JsonObject>().FirstOrDefault(entry => IdOf(entry) == claim.Id);
            if (entry is null)
            {
                entries.Add((JsonNode)(entry = []));
            }

            entry["claim"] = claim.ToJson();
            entry["measured"] = today.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        }

        string renewed = Renew(File.Exists(readme) ? File.ReadAllText(readme) : "", entries, NotebooksIn(folder));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(entries.ToJsonString(s_json) + "\n"));
        if (renewed.Length == 0)
        {
            return [path];
        }

        AtomicFile.Write(readme, Encoding.UTF8.GetBytes(renewed));
        return [path, readme];
    }

    /// <summary>What the file holds; nothing where there is none.</summary>
    /// <exception cref="WorkbookException">It is no list of claims.</exception>
    public static JsonArray Read(string path)
    {
        try
        {
            return !File.Exists(path) ? [] : JsonNode.Parse(File.ReadAllText(path)) is JsonArray entries && entries.All(entry => ClaimOf(entry) is not null)
                ? entries
                : throw new WorkbookException($"{path} is no list of claims: bring back the repository's, or delete it");
        }
        catch (JsonException e)
        {
            throw new WorkbookException($"{path} is no JSON ({e.Message}): bring back the repository's, or delete it", e);
        }
    }

    /// <summary>The README with the table; as it was, if it has no place for one.</summary>
    /// <param name="notebooks">Whose papers' numbers stand in it too where nothing was measured yet.</param>
    public static string Renew(string readme, JsonArray entries, IEnumerable<NotebookDocument> notebooks)
    {
        int begin = readme.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = begin < Begin.Length ? -1 : readme.IndexOf(End, begin, StringComparison.Ordinal);
        return end >= 0 ? readme[..begin] + Markdown(entries, notebooks) + readme[end..] : readme;
    }

    private static string Markdown(JsonArray entries, IEnumerable<NotebookDocument> notebooks)
    {
        StringBuilder text = new("\n| | paper | ours | difference | why |\n|---|---|---|---|---|\n");
        HashSet<string> measured = [.. entries.Select(entry => IdOf(entry)!)];
        IEnumerable<Claim> open = notebooks.SelectMany(notebook => ClaimOutputs.Find(notebook, out _))
            .Where(claim => claim.IsPublished && !measured.Contains(claim.Id));
        IEnumerable<(Claim Claim, string Why, bool Measured)> rows = entries.Select(entry => (ClaimOf(entry)!, entry!["cause"]?.ToString() ?? "", true))
            .Concat(open.Select(claim => (claim, "", false)));
        foreach ((Claim claim, string why, bool isMeasured) in rows.OrderBy(row => row.Claim.Notebook, StringComparer.Ordinal))
        {
            string seeds = claim.Seeds.Count > 1 ? $", {claim.Seeds.Count} seeds" : "";
            text.Append($"| {ReadmeClaims.Cell(claim.Statement)} | {ReadmeClaims.Cell(claim.Expected)} ({ReadmeClaims.Cell(claim.Source)}) | ")
                .Append(isMeasured ? $"{ReadmeClaims.Cell(claim.MeasuredText)}{seeds} | {ReadmeClaims.Cell(claim.DifferenceText)}" : "not measured yet |")
                .Append($" | {ReadmeClaims.Cell(why)} |\n");
        }

        return text.Append('\n').ToString();
    }

    private static IEnumerable<NotebookDocument> NotebooksIn(string folder) =>
        Directory.EnumerateFiles(folder, "*.ipynb").Order(StringComparer.Ordinal).Select(NotebookReader.Read);

    private static string? IdOf(JsonNode? entry) => ClaimOf(entry)?.Id;

    private static Claim? ClaimOf(JsonNode? entry) => entry is JsonObject members && members["claim"] is JsonObject json
        && Claim.TryRead(json, json["notebook"]?.ToString() ?? "", out Claim? claim, out _) ? claim : null;
}
