using System.Text;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Workbook.Cli.Kernel;

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

    /// <summary>The variables that a notebook declares as parameters: name → type as it is written, or as its first value has it.</summary>
    public static IReadOnlyDictionary<string, string> Declared(NotebookDocument notebook) =>
        notebook.CodeCells.FirstOrDefault(cell => NotebookDocument.HasTag(cell, DeclaringTag)) is { } declaring
            ? Declarations(NotebookDocument.Source(declaring)) : new Dictionary<string, string>();

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
            source.Append($"\n{name} = {ParameterLiteral.Of(value, types[name])};");
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
                types[variable.Identifier.ValueText] = field.Declaration.Type.IsVar ? TypeOf(variable.Initializer?.Value) : field.Declaration.Type.ToString();
            }
        }

        return types;
    }

    private static string TypeOf(ExpressionSyntax? value) => value switch
    {
        LiteralExpressionSyntax { Token.Value: int } => "int",
        LiteralExpressionSyntax { Token.Value: long } => "long",
        LiteralExpressionSyntax { Token.Value: double } => "double",
        LiteralExpressionSyntax { Token.Value: float } => "float",
        LiteralExpressionSyntax { Token.Value: decimal } => "decimal",
        LiteralExpressionSyntax { Token.Value: string } => "string",
        LiteralExpressionSyntax { Token.Value: bool } => "bool",
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } minus => TypeOf(minus.Operand),
        MemberAccessExpressionSyntax member => member.Expression.ToString(), // an enum's member
        _ => "var",
    };
}
