using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Workbook.Notebook;
using Workbook.Notebook.Hosts;
using Xunit;

namespace Workbook.Cli.Tests.Notebook;

[Collection(OneNotebook.Name)]
public class LabScriptTests
{
    private static string Script()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Workbook.sln")))
        {
            folder = folder.Parent;
        }

        return File.ReadAllText(Path.Combine(folder!.FullName, "lab.csx"));
    }

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
    public void It_opens_every_namespace_that_cells_need()
    {
        string script = Script();
        // Loading libtorch is the start-up's affair.
        string[] namespaces = [.. new[] { typeof(WorkbookException), typeof(Lab) }
            .SelectMany(type => type.Assembly.GetExportedTypes()).Select(type => type.Namespace!).Distinct().Where(name => name != "Workbook.Native")];

        Assert.All(namespaces, name => Assert.Contains($"using {name};", script, StringComparison.Ordinal));
    }
}
