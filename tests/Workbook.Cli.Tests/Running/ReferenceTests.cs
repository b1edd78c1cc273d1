using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class ReferenceTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Imports_bring_usings_and_declarations_and_the_rest_of_the_cell_runs()
    {
        _workspace.WriteText("shared/lab.csx", "using System.Text.Json;\n#!import more.csx\nint Twice(int x) => x * two;\n");
        _workspace.WriteText("shared/more.csx", "int two = 2;");
        _workspace.Write("notebooks/n", "#!import ../shared/lab.csx\nConsole.WriteLine(Twice(4));", "JsonSerializer.Serialize(Twice(3))",
            "#!import \"../shared/more.csx\"\n\nthrow new Exception(\"here\");");
        (int exitCode, _, string errors) = _workspace.Run("run");
        Assert.Equal(1, exitCode);
        Assert.Contains("code cell 3, line 3: `throw new Exception(\"here\");`", errors, StringComparison.Ordinal);
        JsonObject notebook = _workspace.Executed("n");
        Assert.Equal(["stdout: 8\n"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["execute_result: 6"], Notebooks.Outputs(notebook, 1));
    }

    [Fact]
    public void Loaded_files_and_referenced_assemblies_are_found_from_the_notebooks_folder()
    {
        _workspace.WriteText("lib.csx", "int Thrice(int x) => x * 3;");
        string own = typeof(FactAttribute).Assembly.GetName().Name!;
        File.Copy(typeof(FactAttribute).Assembly.Location, _workspace.PathOf(own + ".dll"));
        JsonObject notebook = _workspace.Execute(0, "#load \"lib.csx\"\nThrice(2)",
            $"#r \"{own}.dll\"\ntypeof(Xunit.FactAttribute).Assembly.Location == Path.GetFullPath(\"{own}.dll\")");
        Assert.Equal(["execute_result: 6"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["execute_result: true"], Notebooks.Outputs(notebook, 1));
    }

    [Fact]
    public void A_copy_of_an_assembly_that_the_runner_has_is_the_runners_own()
    {
        foreach (string name in new[] { "Workbook.Notebook.dll", "Plotly.NET.dll", "FSharp.Core.dll", "DynamicObj.dll" })
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, name), _workspace.PathOf(name));
        }

        JsonObject notebook = _workspace.Execute(
            0,
            "#r \"FSharp.Core.dll\"\n#r \"DynamicObj.dll\"\n#r \"Plotly.NET.dll\"\n#r \"Workbook.Notebook.dll\"\nvar chart = "
                + "Plotly.NET.GenericChart.ofTraceObject(true, new Plotly.NET.Trace2D(\"scatter\"));\nPlotly.NET.GenericChart.toChartHTML(chart).Length > 100",
            "AppDomain.CurrentDomain.GetAssemblies().Count(a => a.GetName().Name is \"FSharp.Core\" or \"Workbook.Notebook\")",
            "Workbook.Notebook.NotebookHost.Current.Name");
        Assert.Equal(["execute_result: true"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["execute_result: 2"], Notebooks.Outputs(notebook, 1));
        Assert.Equal(["execute_result: workbook run"], Notebooks.Outputs(notebook, 2));
    }
}
