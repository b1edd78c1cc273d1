using System.Runtime.Loader;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Workbook.Notebook;
using Workbook.Notebook.Tests;
using Xunit;

namespace Workbook.Cli.Tests.Running;

[Collection(OneNotebook.Name)]
public partial class LabScriptTests
{
    [GeneratedRegex("""LoadFrom\(@"[^"]*"\)""")]
    private static partial Regex LoadedFrom();

    private static string Script() => File.ReadAllText(Repository.PathOf("lab.csx"));

    [Fact]
    public async Task Its_usings_serve_the_cells_that_follow()
    {
        RecordingHost host = new();
        NotebookHost.Current = host;
        CancellationToken cancel = TestContext.Current.CancellationToken;
        ScriptState state = await CSharpScript.RunAsync(Script(), cancellationToken: cancel);
        state = await state.ContinueWithAsync(
            """
            var layer = Linear(3, 2);
            Tensor x = ones(4, 3);
            var mask = Mask.Full(layer);
            Draw.Heatmap("Weights", layer.weight!, "weight").Show();
            Claims.Ours("pruning.a", "s", [1.0, 2.0], Expect.AtMost(2)).Show();
            """, cancellationToken: cancel);
        state = await state.ContinueWithAsync("layer.forward(x).shape[1] + mask.Total", cancellationToken: cancel);

        Assert.Equal(8L, state.ReturnValue);
        Assert.Equal(2, host.Shown.Count);
    }

    [Fact]
    public void Running_the_first_cell_again_shows_the_charts_script_again()
    {
        RecordingHost host = new() { WantsPlotly = true };
        NotebookHost.Current = host;

        Lab.Start();
        Lab.Start();

        Assert.Equal(2, host.Shown.Count);
        Assert.All(host.Shown, bundle => Assert.Contains("window.Plotly", bundle["text/html"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_start_that_fails_says_why_where_the_host_drops_the_exception()
    {
        // In place of the start-up, a method that refuses what it is given.
        string script = Script().Replace("Workbook.Notebook.Lab\"", "Workbook.Notebook.ProgressBar\"", StringComparison.Ordinal)
            .Replace("Invoke(null, null)", "Invoke(null, [\"bar\", 0])", StringComparison.Ordinal);
        using StringWriter errors = new();
        TextWriter before = Console.Error;
        Console.SetError(errors);
        try
        {
            await Assert.ThrowsAsync<WorkbookException>(() => CSharpScript.RunAsync(script, cancellationToken: TestContext.Current.CancellationToken));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Contains("progress \"bar\": 0 steps, at least 1 is needed", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_in_another_load_context_is_not_the_one_that_starts()
    {
        using Workspace workspace = new();
        string path = workspace.PathOf("Twice.dll");
        const string code = """
            namespace Workbook.Notebook;
            public static class Lab
            {
                public static void Start() => throw new System.InvalidOperationException(
                    "started in " + System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(typeof(Lab).Assembly)!.Name);
            }
            """;
        CancellationToken cancel = TestContext.Current.CancellationToken;
        MetadataReference runtime = MetadataReference.CreateFromFile(typeof(object).Assembly.Location);
        CSharpCompilation twice = CSharpCompilation.Create("Twice", [CSharpSyntaxTree.ParseText(code, cancellationToken: cancel)], [runtime],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        Assert.True(twice.Emit(path, cancellationToken: cancel).Success);
        AssemblyLoadContext other = new("another");
        other.LoadFromAssemblyPath(path);
        string script = Script().Replace("== \"Workbook.Notebook\"", "== \"Twice\"", StringComparison.Ordinal);
        script = LoadedFrom().Replace(script, $"LoadFrom(@\"{path}\")");

        Exception fault = await Assert.ThrowsAsync<InvalidOperationException>(() => CSharpScript.RunAsync(script, cancellationToken: cancel));

        Assert.Equal("started in Default", fault.Message);
    }

    [Fact]
    public void A_profile_that_does_not_exist_fails_the_first_cell()
    {
        using Workspace workspace = new();
        string path = workspace.Write("n", "#!import " + Repository.PathOf("lab.csx"), "1 + 1");
        (int exitCode, _, string errors) = Workspace.Finish(workspace.Start(new Dictionary<string, string> { ["WORKBOOK_PROFILE"] = "bogus" }, "run", path));

        Assert.Equal(1, exitCode);
        Assert.EndsWith("code cell 1: Workbook.WorkbookException: WORKBOOK_PROFILE=bogus: there are the profiles quick and paper", errors.Trim(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_start_that_fails_where_imports_are_silent_is_said_by_the_next_cell()
    {
        using Workspace workspace = new();
        string path = workspace.Write(
            "n",
            "#!import " + Repository.PathOf("lab.csx"),
            """
            class Silent : INotebookHost
            {
                public string Name => "silent";
                public bool DropsImports => true;
                public string Display(IReadOnlyDictionary<string, string> bundle) => "";
                public void Update(string id, IReadOnlyDictionary<string, string> bundle) { }
            }
            NotebookHost.Current = new Silent();
            Environment.SetEnvironmentVariable("WORKBOOK_PROFILE", "bogus");
            Lab.Start();
            """,
            "int seeds = Lab.Pick(1, 2);");
        (int exitCode, _, string errors) = workspace.Run("run", path);

        Assert.Equal(1, exitCode);
        Assert.Contains("code cell 3", errors, StringComparison.Ordinal);
        Assert.Contains("WORKBOOK_PROFILE=bogus: there are the profiles quick and paper", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_cell_of_each_notebook_says_what_to_do_before_a_build() =>
        Assert.All(Directory.GetFiles(Repository.PathOf("notebooks"), "*.ipynb"), notebook =>
        {
            JsonNode cell = JsonNode.Parse(File.ReadAllText(notebook))!["cells"]!.AsArray().First(c => c!["cell_type"]!.ToString() == "code")!;
            string[] lines = string.Concat(cell["source"]!.AsArray().Select(line => line!.ToString())).Split('\n');

            Assert.Equal("#!import ../lab.csx", lines[0]);
            Assert.StartsWith("// An error here? Run \"dotnet build\"", Assert.Single(lines[1..]), StringComparison.Ordinal);
        });

    [Fact]
    public void It_opens_every_namespace_that_cells_need()
    {
        string script = Script();
        // Loading libtorch is the start-up's affair.
        string[] namespaces = [.. new[] { typeof(WorkbookException), typeof(Lab) }
            .SelectMany(type => TypesOf(type.Assembly)).Where(type => type.IsVisible).Select(type => type.Namespace!).Distinct()
                .Where(name => name != "Workbook.Native")];

        Assert.All(namespaces, name => Assert.Contains($"using {name};", script, StringComparison.Ordinal));
    }

    // One is for .NET Interactive alone, whose assemblies only its own process has.
    private static IEnumerable<Type> TypesOf(System.Reflection.Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (System.Reflection.ReflectionTypeLoadException e)
        {
            return e.Types.OfType<Type>();
        }
    }
}
