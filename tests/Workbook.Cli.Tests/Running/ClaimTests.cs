using System.Text.Json.Nodes;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Publishing;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ClaimTests : IDisposable
{
    private const string Declare = """"
        #r "Workbook.Notebook"
        using Workbook.Notebook;
        Dictionary<string, string> Claim(string id, string kind, string holds) => new()
        {
            ["text/plain"] = id,
            ["application/vnd.workbook.claim+json"] = $$"""
                {"id": "{{id}}", "kind": "{{kind}}", "statement": "s", "measured": 1.25, "spread": 0.5, "expected": "above 1",
                 "holds": {{holds}}, "dataset": "digits", "profile": "quick", "seeds": [1, 2], "more": 1}
                """,
        };
        string Show(string id, string kind, string holds) => NotebookHost.Current.Display(Claim(id, kind, holds));
        """";

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Claims_are_gathered_and_only_ours_decide()
    {
        _workspace.Write("n", Declare, "Show(\"pruning.a\", \"ours\", \"true\");\nShow(\"pruning.b\", \"published\", \"false\");\nShow(\"pruning.c\", "
            + "\"ours\", \"null\");");
        (int exitCode, string output, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("not measured here", output, StringComparison.Ordinal);
        string report = _workspace.PathOf("artifacts", "run", "site", "index.html");
        Assert.Equal(report, output.TrimEnd().Split('\n')[^1].TrimEnd());
        Assert.Contains("pruning.c", File.ReadAllText(report), StringComparison.Ordinal);
        JsonArray claims = JsonNode.Parse(File.ReadAllText(_workspace.PathOf("artifacts", "run", "claims.json")))!.AsArray();
        Assert.Equal(["pruning.a", "pruning.b", "pruning.c"], claims.Select(claim => claim!["id"]!.ToString()));
        Assert.Equal(
            """{"id":"pruning.a","kind":"ours","notebook":"n","statement":"s","unit":"","measured":1.25,"spread":0.5,"values":[]"""
            + ""","expected":"above 1","holds":true,"difference":null,"source":"","note":"","dataset":"digits","profile":"quick","seeds":[1,2]}""",
            claims[0]!.ToJsonString());
        Assert.Equal(File.ReadAllText(_workspace.PathOf("artifacts", "run", "claims.json")),
            File.ReadAllText(_workspace.PathOf("artifacts", "run", "site", "claims.json")));
    }

    [Fact]
    public void A_claim_of_ours_that_does_not_hold_fails_the_run_unless_an_update_mends_it()
    {
        _workspace.Write("fails", Declare, "var id = Show(\"pruning.a\", \"ours\", \"false\");");
        (int failed, _, string errors) = _workspace.Run("run", "fails.ipynb");
        Assert.Equal(1, failed);
        Assert.Equal("error: the claim pruning.a does not hold: 1.25 ± 0.50, expected above 1", errors.Trim());
        _workspace.Write("mended", Declare, "var id = Show(\"pruning.a\", \"ours\", \"false\");",
            "NotebookHost.Current.Update(id, Claim(\"pruning.a\", \"ours\", \"true\"));");
        Assert.Equal(0, _workspace.Run("run", "mended.ipynb").ExitCode);
    }

    [Theory]
    [InlineData("pruning.a", "theirs", "true", "its kind is neither ours nor published")]
    [InlineData("pruning.a", "ours", "1", "its holds can't be read")]
    [InlineData("pruning.a", "ours", "true, broken", "it is no JSON object")]
    [InlineData("pruning.a", "ours", "true, \\\"id\\\": 1", "it is no JSON object")]
    public void A_claim_that_is_malformed_fails_the_run_and_the_others_are_gathered(string id, string kind, string holds, string why)
    {
        _workspace.Write("n", Declare, $"Show(\"{id}\", \"{kind}\", \"{holds}\");", "Show(\"pruning.fine\", \"ours\", \"true\");");
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb");
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"error: n: what it shows as a claim is none, {why}: ", errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
        Assert.Equal(["pruning.fine"], JsonNode.Parse(File.ReadAllText(_workspace.PathOf("artifacts", "run", "claims.json")))!.AsArray()
            .Select(claim => claim!["id"]!.ToString()));
    }

    [Fact]
    public void A_published_number_that_was_not_measured_here_is_called_so_everywhere()
    {
        string[] cells =
        [
            "#r \"Workbook.Notebook.dll\"\nusing Workbook.Notebook;\nLab.Describe(\"digits\", seeds: [0, 1]);",
            "Claims.Published(\"pruning.a\", \"error\", 1.64, [2, 2.2], \"Han et al. 2015, table 1\", \"%\").Show();",
        ];
        string notebooks = Path.GetDirectoryName(_workspace.Write("notebooks/n", cells))!;
        (int exitCode, string output, string errors) = _workspace.Run("run", notebooks);
        Assert.True(exitCode == 0, errors);
        string site = File.ReadAllText(_workspace.PathOf("artifacts", "run", "site", "index.html"));
        string readme = ReadmeClaims.Renew("<!-- claims: written by `workbook publish` -->\n<!-- /claims -->",
            [NotebookReader.Read(_workspace.PathOf("artifacts", "run", "n.ipynb"))]);

        Assert.Contains("not measured here", output, StringComparison.Ordinal);
        Assert.Contains("<td class=\"unmeasured\">not measured here</td>", site, StringComparison.Ordinal);
        Assert.Contains("not measured here (needs the data set mnist)", site, StringComparison.Ordinal);
        Assert.Contains("0 of 0 claims hold, 1 not measured here (digits, quick profile)", readme, StringComparison.Ordinal);
        Assert.Contains("| 1.64 % in Han et al. 2015, table 1 | not measured here |", readme, StringComparison.Ordinal);
        Assert.DoesNotContain("0.46", output + site + readme, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_notebooks_must_not_make_the_same_claim()
    {
        _workspace.Write("a", Declare + "\nShow(\"pruning.a\", \"ours\", \"true\");");
        _workspace.Write("b", Declare + "\nShow(\"pruning.a\", \"ours\", \"true\");");
        (int exitCode, _, string errors) = _workspace.Run("run", "a.ipynb", "b.ipynb", "--jobs", "2");
        Assert.Equal(1, exitCode);
        Assert.Contains("error: the claim pruning.a is made by more than one notebook: a, b", errors, StringComparison.Ordinal);
    }
}
