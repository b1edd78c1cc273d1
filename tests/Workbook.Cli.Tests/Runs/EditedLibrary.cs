using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Xunit;

namespace Workbook.Cli.Tests.Runs;

/// <summary>
/// The library as somebody has edited it: one project compiled anew from its sources with one text exchanged, and loaded, with all
/// others and this test program, beside those that are there. TorchSharp stays the one that it is.
/// </summary>
internal sealed class EditedLibrary : AssemblyLoadContext
{
    private static readonly string[] s_usings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    private static readonly CSharpParseOptions s_parsing = new(LanguageVersion.CSharp14);

    private static readonly Dictionary<string, MetadataReference> s_references =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Concat(Rules.KernelAssemblies.Paths)
        .Where(path => !path.EndsWith(".Tests.dll", StringComparison.Ordinal)).DistinctBy(path => Path.GetFileNameWithoutExtension(path))
        .ToDictionary(path => Path.GetFileNameWithoutExtension(path), MetadataReference (path) => MetadataReference.CreateFromFile(path));

    private readonly Dictionary<string, Assembly> _loaded = new(StringComparer.Ordinal);

    /// <param name="project">The project that is edited.</param>
    /// <param name="file">The file in it.</param>
    /// <param name="before">A text that stands in it once.</param>
    /// <param name="after">What stands there instead.</param>
    internal EditedLibrary(string project, string file, string before, string after)
        : base($"{file}, edited")
    {
        byte[] edited = Compile(project, file, before, after);
        foreach (string name in (string[])[.. Rules.Projects.Names, typeof(EditedLibrary).Assembly.GetName().Name!])
        {
            using Stream stream = name == project ? new MemoryStream(edited) : File.OpenRead(Path.Combine(AppContext.BaseDirectory, name + ".dll"));
            _loaded[name] = LoadFromStream(stream);
        }
    }

    /// <summary>Calls a static method of this test program, which then uses the edited library.</summary>
    internal string Call(Delegate method, params object[] arguments) =>
        (string)_loaded[method.Method.DeclaringType!.Assembly.GetName().Name!].GetType(method.Method.DeclaringType.FullName!, throwOnError: true)!
            .GetMethod(method.Method.Name, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!.Invoke(null, arguments)!;

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) => _loaded.GetValueOrDefault(assemblyName.Name!);

    private static byte[] Compile(string project, string file, string before, string after)
    {
        string folder = Repository.PathOf("src", project), edited = Path.Combine(folder, file);
        string text = File.ReadAllText(edited);
        Assert.True(text.Split(before).Length == 2, $"'{before}' has to stand in {file} once");
        Assembly original = Assembly.Load(project);
        IEnumerable<string> sources = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Select(path => path == edited ? text.Replace(before, after, StringComparison.Ordinal) : File.ReadAllText(path))
            .Append(File.ReadAllText(Repository.PathOf("src", "Shared", "LibtorchFirst.cs")))
            .Append(string.Concat(s_usings.Select(name => $"global using {name};\n")))
            .Append(string.Concat(original.GetCustomAttributes<InternalsVisibleToAttribute>()
                .Select(friend => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{friend.AssemblyName}\")]\n")));
        CSharpCompilationOptions options = new(
            OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true,
            nullableContextOptions: NullableContextOptions.Enable, deterministic: true);
        CSharpCompilation compilation = CSharpCompilation.Create(project, sources.Select(source => CSharpSyntaxTree.ParseText(source, s_parsing)),
            s_references.Where(r => r.Key != project).Select(r => r.Value), options);
        using MemoryStream stream = new();
        ResourceDescription[] resources = [.. original.GetManifestResourceNames()
            .Select(name => new ResourceDescription(name, () => original.GetManifestResourceStream(name)!, isPublic: true))];
        EmitResult result = compilation.Emit(stream, manifestResources: resources);
        ImmutableArray<Diagnostic> errors = [.. result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)];
        Assert.True(result.Success, $"{file} does not compile after the edit: {errors.FirstOrDefault()}");
        return stream.ToArray();
    }
}
