using System.Text;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Workbook.Cli.Notebooks;

/// <summary>
/// papermill's convention: values from the command line go to a cell behind the one tagged <c>parameters</c>. They are assigned, not
/// declared, so that the compiler checks them against the declared types.
/// </summary>
internal static class Parameters
{
    private const string DeclaringTag = "parameters";
    private const string InjectedTag = "injected-parameters";

    /// <summary>Gives each notebook the values whose names it declares.</summary>
    /// <param name="assignments">Each <c>name=value</c>; of two for one name, the last.</param>
    /// <exception cref="WorkbookException">An assignment is malformed, or no notebook declares the name.</exception>
    public static void Inject(IReadOnlyList<NotebookDocument> notebooks, IReadOnlyList<string> assignments)
    {
        foreach (NotebookDocument notebook in notebooks)
        {
            RemoveEarlier(notebook);
        }

        if (assignments.Count == 0)
        {
            return;
        }

        Dictionary<string, string> values = [];
        foreach (string assignment in assignments)
        {
            int at = assignment.IndexOf('=');
            if (at < 1 || !SyntaxFacts.IsValidIdentifier(assignment[..at].Trim()))
            {
                throw new WorkbookException($"-p {assignment}: write name=value");
            }

            values[assignment[..at].Trim()] = assignment[(at + 1)..].Trim();
        }

        HashSet<string> unknown = [.. values.Keys];
        SortedSet<string> declared = new(StringComparer.Ordinal);
        foreach (NotebookDocument notebook in notebooks)
        {
            Dictionary<string, string> types = Inject(notebook, values);
            unknown.ExceptWith(types.Keys);
            declared.UnionWith(types.Keys);
        }

        if (unknown.Count > 0)
        {
            throw new WorkbookException($"-p {string.Join(", ", unknown.Order())}: {(declared.Count == 0
                ? "the notebook has no code cell tagged `parameters` that declares a variable"
                : $"no such parameter; there are: {string.Join(", ", declared)}")}");
        }
    }

    /// <summary>Gives a notebook the values that another, an executed copy of it, was run with.</summary>
    public static void Copy(NotebookDocument executed, NotebookDocument notebook)
    {
        RemoveEarlier(notebook);
        if (executed.CodeCells.FirstOrDefault(cell => NotebookDocument.HasTag(cell, InjectedTag)) is { } injected
            && notebook.CodeCells.FirstOrDefault(cell => NotebookDocument.HasTag(cell, DeclaringTag)) is { } declaring)
        {
            notebook.InsertAfter(declaring, NotebookDocument.Source(injected), InjectedTag);
        }
    }

    /// <summary>A C# literal for a value as it was typed.</summary>
    /// <param name="type">The declared type as it is written, such as <c>double</c> or <c>var</c>.</param>
    internal static string Literal(string value, string type)
    {
        if (type.TrimEnd('?') == "string" && !IsQuoted(value))
        {
            return value == "null" ? value : SymbolDisplay.FormatLiteral(value, quote: true);
        }

        if (type.TrimEnd('?') == "bool" && bool.TryParse(value, out bool truth))
        {
            return truth ? "true" : "false";
        }

        ExpressionSyntax expression = SyntaxFactory.ParseExpression(value);
        bool whole = !expression.ContainsDiagnostics && expression.FullSpan.Length == value.Length && expression.GetTrailingTrivia().Count == 0;
        if (!whole || !IsLiteral(expression))
        {
            return value.StartsWith('[') ? value : SymbolDisplay.FormatLiteral(value, quote: true);
        }

        bool isNumber = expression.DescendantNodesAndSelf().OfType<LiteralExpressionSyntax>().Any(l => l.IsKind(SyntaxKind.NumericLiteralExpression));
        return (type.TrimEnd('?'), isNumber && char.IsAsciiDigit(value[^1])) switch
        {
            ("float", true) => value + "f",
            ("decimal", true) => value + "m",
            _ => value,
        };
    }

    // Values of an earlier run (--in-place, or published) are not this one's.
    private static void RemoveEarlier(NotebookDocument notebook)
    {
        foreach (JsonObject earlier in notebook.CodeCells.Where(cell => NotebookDocument.HasTag(cell, InjectedTag)))
        {
            notebook.Remove(earlier);
        }
    }

    private static Dictionary<string, string> Inject(NotebookDocument notebook, Dictionary<string, string> values)
    {
        if (notebook.CodeCells.FirstOrDefault(cell => NotebookDocument.HasTag(cell, DeclaringTag)) is not { } declaring)
        {
            return [];
        }

        Dictionary<string, string> types = Declarations(NotebookDocument.Source(declaring));
        StringBuilder source = new("// Parameters from the command line");
        foreach ((string name, string value) in values.Where(v => types.ContainsKey(v.Key)))
        {
            source.Append($"\n{name} = {Literal(value, types[name])};");
        }

        if (values.Keys.Any(types.ContainsKey))
        {
            notebook.InsertAfter(declaring, source.ToString(), InjectedTag);
        }

        return types;
    }

    private static Dictionary<string, string> Declarations(string source)
    {
        Dictionary<string, string> types = [];
        if (!ForeignCode.TryRead(source, text => CSharpSyntaxTree.ParseText(text, CSharpParseOptions.Default.WithKind(SourceCodeKind.Script)).GetRoot(),
            out SyntaxNode? root))
        {
            return types;
        }

        foreach (FieldDeclarationSyntax field in root.ChildNodes().OfType<FieldDeclarationSyntax>())
        {
            foreach (VariableDeclaratorSyntax variable in field.Declaration.Variables)
            {
                types[variable.Identifier.ValueText] = field.Declaration.Type.ToString();
            }
        }

        return types;
    }

    private static bool IsQuoted(string value) => value.Length >= 2 && value[0] == '"' && value[^1] == '"';

    private static bool IsLiteral(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax => true,
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } minus => IsLiteral(minus.Operand),
        CollectionExpressionSyntax list => list.Elements.All(e => e is ExpressionElementSyntax element && IsLiteral(element.Expression)),
        _ => false,
    };
}
