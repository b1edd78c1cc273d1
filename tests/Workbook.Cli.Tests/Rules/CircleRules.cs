using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>Within a project, too, references go one way: of two folders one can be read without the other.</summary>
public class CircleRules
{
    private const string Root = "(root)";

    // What the build adds to each file.
    private const string Usings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http; "
            + "global using System.Threading; global using System.Threading.Tasks;";

    public static TheoryData<string> Projects => [.. Directory.GetFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)
        .Select(Path.GetFileNameWithoutExtension).Order().OfType<string>()];

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folders_of_a_project_refer_to_each_other_in_a_circle(string project)
    {
        string folder = Repository.PathOf("src", project);
        IEnumerable<string> files = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("buildTransitive", StringComparison.Ordinal));
        Assert.Equal("", string.Join('\n', Circles(project, [.. files.Select(path => (Path.GetRelativePath(folder, path), File.ReadAllText(path)))])));
    }

    [Fact]
    public void A_circle_is_told_by_who_uses_what_and_talk_about_a_type_is_no_use_of_it()
    {
        const string above = "namespace P; /// <summary>Unlike <see cref=\"Below\"/>.</summary>\nclass Above { string _text = nameof(System) + \"Below\"; "
            + "int Below; }";
        const string below = "namespace P; class Below { int _size = new Above().GetHashCode(); }";
        const string extension = "namespace P; static class Extensions { public static int Size(this string text) => text.Length + new "
            + "Above().ToString().Length; }";
        const string caller = "namespace P; partial class Above { int _size = \"\".Size(); }";

        Assert.Empty(Circles("P", [("A/Above.cs", above), ("B/Below.cs", below)]));
        Assert.Equal(
            ["A → B: Above.Size.cs uses Extensions", "B → A: Extensions.cs uses Above"],
            Circles("P", [("A/Above.cs", above.Replace("class Above", "partial class Above")), ("A/Above.Size.cs", caller),
                ("B/Below.cs", below.Replace("new Above()", "1.ToString()")), ("B/Extensions.cs", extension)]));
    }

    /// <summary>Each reference that is part of a circle, a line for each pair of folders and type.</summary>
    private static string[] Circles(string project, IReadOnlyList<(string Path, string Text)> sources)
    {
        // By the compiler's knowledge of what each name means: members may be called as types are.
        CSharpParseOptions options = new(LanguageVersion.Preview, DocumentationMode.None);
        SyntaxTree[] trees = [.. sources.Select(source => CSharpSyntaxTree.ParseText(source.Text, options, source.Path.Replace('\\', '/')))];
        IEnumerable<string> libraries = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileNameWithoutExtension(path) != project);
        CSharpCompilation compilation = CSharpCompilation.Create(
            project, [.. trees, CSharpSyntaxTree.ParseText(Usings, options)], libraries.Select(path => MetadataReference.CreateFromFile(path)),
                new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));

        Dictionary<(string From, string To), SortedSet<string>> uses = [];
        foreach (SyntaxTree tree in trees)
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (ISymbol symbol in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>().Select(name => model.GetSymbolInfo(name).Symbol)
                .OfType<ISymbol>().Where(IsDeclared))
            {
                ISymbol declared = (symbol as IMethodSymbol)?.ReducedFrom ?? symbol.OriginalDefinition;
                string name = (declared as INamedTypeSymbol ?? declared.ContainingType).Name;
                string[] homes = [.. declared.DeclaringSyntaxReferences.Select(reference => FolderOf(reference.SyntaxTree)).Distinct()];
                string from = FolderOf(tree);
                if (homes.Length > 0 && !homes.Contains(from))
                {
                    (uses.TryGetValue((from, homes[0]), out SortedSet<string>? lines) ? lines
                        : uses[(from, homes[0])] = new(StringComparer.Ordinal)).Add($"{Path.GetFileName(tree.FilePath)} uses {name}");
                }
            }
        }

        return [.. uses.Where(use => Reaches(use.Key.To, use.Key.From)).SelectMany(use => use.Value.Select(line => $"{use.Key.From} → {use.Key.To}: {line}"))
            .Order(StringComparer.Ordinal)];

        bool Reaches(string from, string to)
        {
            HashSet<string> seen = [from];
            Queue<string> open = new(seen);
            while (open.TryDequeue(out string? at))
            {
                foreach (string next in uses.Keys.Where(use => use.From == at).Select(use => use.To).Where(seen.Add))
                {
                    open.Enqueue(next);
                }
            }

            return seen.Contains(to);
        }
    }

    private static bool IsDeclared(ISymbol symbol) => symbol.Kind is SymbolKind.NamedType or SymbolKind.Method or SymbolKind.Property or SymbolKind.Field
        or SymbolKind.Event;

    private static string FolderOf(SyntaxTree tree) => Path.GetDirectoryName(tree.FilePath) is { Length: > 0 } folder ? folder : Root;
}
