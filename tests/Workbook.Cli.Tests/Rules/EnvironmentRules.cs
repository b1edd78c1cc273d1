using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>The environment's variables are spelled in one place: what reads one, and what tells users of one, mean the same.</summary>
public class EnvironmentRules
{
    private const string Prefix = "WORKBOOK_";

    private static readonly string s_names = Path.Combine("Workbook.Native", "EnvironmentVariables.cs");

    [Fact]
    public void One_file_spells_the_variables_names()
    {
        string source = Repository.PathOf("src");
        string[] spelling = [.. Directory.GetFiles(source, "*.cs", SearchOption.AllDirectories).Where(path => Spelled(path).Any())
            .Select(path => Path.GetRelativePath(source, path))];
        Assert.Equal([s_names], spelling);
    }

    [Fact]
    public void Each_variable_has_one_name_and_something_that_asks_for_it()
    {
        string names = Repository.PathOf("src", s_names);
        string[] spelled = [.. Spelled(names)];
        Assert.Equal(spelled.Distinct(), spelled);

        string all = string.Concat(Directory.GetFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories).Where(path => path != names)
            .Select(File.ReadAllText));
        IEnumerable<string> constants = CSharpSyntaxTree.ParseText(File.ReadAllText(names), cancellationToken: TestContext.Current.CancellationToken)
            .GetRoot(TestContext.Current.CancellationToken)
            .DescendantNodes().OfType<Microsoft.CodeAnalysis.CSharp.Syntax.VariableDeclaratorSyntax>()
                .Where(v => v.ToString().Contains(Prefix, StringComparison.Ordinal)).Select(v => v.Identifier.ValueText);
        Assert.All(constants, name => Assert.Contains($"EnvironmentVariables.{name}", all, StringComparison.Ordinal));
    }

    // Texts of the code: comments may name a variable.
    private static IEnumerable<string> Spelled(string path) =>
        CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot().DescendantTokens()
            .Where(token => token.Kind() is SyntaxKind.StringLiteralToken or SyntaxKind.InterpolatedStringTextToken
                or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken or SyntaxKind.Utf8StringLiteralToken)
            .Select(token => token.ValueText).Where(text => text.Contains(Prefix, StringComparison.Ordinal));
}
