using System.Text.Json.Nodes;
using Workbook.Notebook;

namespace Workbook.Cli.Outcome;

/// <summary>A claim's members as terminal and report print them.</summary>
internal static class ClaimText
{
    /// <summary>The member as text; empty where it is not text.</summary>
    public static string Of(JsonObject claim, string member) => ClaimOutputs.Text(claim, member) ?? "";

    /// <summary>E.g. <c>0.28 ± 0.07 points</c>; the spread only over several seeds; empty where nothing was measured.</summary>
    public static string Measured(JsonObject claim) => Number(claim, "measured") is not { } measured ? ""
        : measured + (Seeds(claim) > 1 && Number(claim, "spread") is { } spread ? $" ± {spread}" : "") + Unit(claim);

    /// <summary>Ours minus the paper's, e.g. <c>+1.25 %</c>; empty for a claim of ours.</summary>
    public static string Difference(JsonObject claim) => Number(claim, "difference", sign: true) is { } difference ? difference + Unit(claim) : "";

    public static int Seeds(JsonObject claim) => claim["seeds"] is JsonArray seeds ? seeds.Count : 0;

    /// <summary>What the claims were measured on, e.g. <c>mnist, quick profile</c>.</summary>
    public static string RanOn(IEnumerable<JsonObject> claims) =>
        string.Join("; ", claims.Select(claim => (Of(claim, "dataset") is { Length: > 0 } dataset ? dataset + ", " : "") + $"{Of(claim, "profile")} profile").Distinct());

    private static string Unit(JsonObject claim) => Of(claim, "unit") is { Length: > 0 } unit ? " " + unit : "";

    private static string? Number(JsonObject claim, string member, bool sign = false) =>
        claim[member] is JsonValue value && value.TryGetValue(out double number) ? Claim.Format(number, sign) : null;
}
