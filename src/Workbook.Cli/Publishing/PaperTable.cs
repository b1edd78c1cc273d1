using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Translating;
using Workbook.Notebook;
using static Workbook.Cli.Publishing.Readme;

namespace Workbook.Cli.Publishing;

/// <summary>
/// Papers' numbers beside those of runs in the profile <c>paper</c>: kept in <c>docs/papers.json</c>, as such runs take hours, and a table of the README.
/// An entry is a claim, the day it was measured on, and a cause where the numbers differ, which is written by hand and stays.
/// </summary>
internal static class PaperTable
{
    private const string Begin = "<!-- papers: written by `workbook publish --papers` -->\n";
    private const string End = "<!-- /papers -->";

    private static readonly string[] s_columns = ["paper", "ours", "difference", "why"];

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Where the numbers of the notebooks in a folder lie.</summary>
    public static string PathFor(string notebooks) => Beside(notebooks, "docs", "papers.json");

    /// <summary>Takes a run's numbers in, and renews the README beside the notebooks' folder; returns the files that were written.</summary>
    /// <param name="results">Notebooks of one folder.</param>
    /// <exception cref="WorkbookException">The run set nothing beside a paper's number, or a file is not what it should be; nothing is written.</exception>
    public static IReadOnlyList<string> Write(IReadOnlyList<NotebookResult> results, DateOnly today)
    {
        Claim[] claims = [.. results.SelectMany(result => result.Claims).Where(claim => claim.IsPublished && (claim.IsMeasured || Differs(claim)))];
        string folder = Path.GetDirectoryName(results[0].SourcePath)!, path = PathFor(folder);
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

        NotebookDocument[] all = NotebooksIn(folder, new Dictionary<string, NotebookDocument>());
        (string Path, string Text)[] readmes = [.. Readme.In(folder, all, (before, edition) => Renew(before, entries, all, edition))];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(entries.ToJsonString(s_json) + "\n"));
        foreach ((string readme, string text) in readmes)
        {
            AtomicFile.Write(readme, Encoding.UTF8.GetBytes(text));
        }

        return [path, .. readmes.Select(readme => readme.Path)];
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
    public static string Renew(string readme, JsonArray entries, IEnumerable<NotebookDocument> notebooks, Edition? edition = null) =>
        Readme.Renew(readme, Begin, End, () => Markdown(entries, notebooks, edition ?? Edition.Original));

    private static string Markdown(JsonArray entries, IEnumerable<NotebookDocument> notebooks, Edition edition)
    {
        StringBuilder text = new($"\n| | {string.Join(" | ", s_columns.Select(edition.Say))} |\n|---|---|---|---|---|\n");
        HashSet<string> measured = [.. entries.Select(entry => IdOf(entry)!)];
        IEnumerable<Claim> open = notebooks.SelectMany(notebook => ClaimOutputs.Find(notebook, out _))
            .Where(claim => claim.IsPublished && !measured.Contains(claim.Id));
        IEnumerable<(Claim Claim, string Why)> rows = entries.Select(entry => (ClaimOf(entry)!, entry!["cause"]?.ToString() ?? ""))
            .Concat(open.Select(claim => (claim, "")));
        foreach ((Claim claim, string why) in rows.OrderBy(row => row.Claim.Notebook, StringComparer.Ordinal))
        {
            string none = Differs(claim) ? "not at the paper's setting" : "not measured yet";
            text.Append($"| {Said(claim.Statement)} | {Said(claim.Expected)} ({Said(claim.Source)}) | ")
                .Append(claim.IsMeasured ? $"{Measured(claim, edition)} | {Said(claim.DifferenceText)}" : $"{Said(none)} |")
                .Append($" | {Said(why)} |\n");
        }

        return text.Append('\n').ToString();

        string Said(string english) => Cell(edition.Say(english));
    }

    // Whether the notebook itself says what keeps it from the paper's setting: another profile or data set would not help.
    private static bool Differs(Claim claim) => !claim.IsMeasured && claim.Note.Length > 0 && !claim.Note.Contains("(needs ", StringComparison.Ordinal);

    private static string? IdOf(JsonNode? entry) => ClaimOf(entry)?.Id;

    private static Claim? ClaimOf(JsonNode? entry) => entry is JsonObject members && members["claim"] is JsonObject json
        && Claim.TryRead(json, json["notebook"]?.ToString() ?? "", out Claim? claim, out _) ? claim : null;
}
