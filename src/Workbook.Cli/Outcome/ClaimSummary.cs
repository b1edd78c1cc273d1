using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>The claims of all notebooks of a run.</summary>
internal sealed class ClaimSummary(IReadOnlyList<NotebookResult> results)
{
    /// <summary>The name of the file that <see cref="Write"/> writes, beside the executed notebooks and on the site.</summary>
    public const string FileName = "claims.json";

    public IReadOnlyList<Claim> Claims { get; } = [.. results.SelectMany(result => result.Claims)];

    /// <summary>What is wrong with how claims are made, a line each.</summary>
    public IReadOnlyList<string> Errors =>
    [
        .. results.SelectMany(result => result.Faults),
        .. Claims.GroupBy(claim => claim.Id).Where(group => group.Count() > 1)
            .Select(group => $"the claim {group.Key} is made by more than one notebook: {string.Join(", ", group.Select(claim => claim.Notebook))}"),
    ];

    /// <summary>The workbook's own claims that were measured and did not hold.</summary>
    public IEnumerable<Claim> Failed => Claims.Where(claim => claim.IsOurs && claim.Holds == false);

    /// <summary>What claims were measured on, e.g. <c>mnist, quick profile</c>.</summary>
    public static string RanOn(IEnumerable<Claim> claims) =>
        string.Join("; ", claims.Select(claim => $"{(claim.Dataset.Length > 0 ? claim.Dataset + ", " : "")}{claim.Profile} profile").Distinct());

    /// <summary>Writes <see cref="FileName"/> into a folder, as docs/claims.md describes it.</summary>
    public void Write(string folder) =>
        AtomicFile.Write(Path.Combine(folder, FileName), JupyterJson.Serialize(new JsonArray([.. Claims.Select(claim => claim.ToJson())])));
}
