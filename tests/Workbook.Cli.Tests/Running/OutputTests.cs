using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class OutputTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void State_is_carried_from_cell_to_cell_and_the_last_expression_is_the_result()
    {
        JsonObject notebook = _workspace.Execute(
            0,
            "int Twice(int x) => 2 * x;\nvar n = 20;",
            "record Point(int X, int Y);\nTwice(n) + 2",
            "",
            "await Task.Delay(1);\nnew Point(n, 1).ToString()",
            "n = 5;",
            "(string)null",
            "n");
        Assert.Empty(Notebooks.Outputs(notebook, 0));
        Assert.Equal(["execute_result: 42"], Notebooks.Outputs(notebook, 1));
        Assert.Equal(["execute_result: Point { X = 20, Y = 1 }"], Notebooks.Outputs(notebook, 3));
        Assert.Empty(Notebooks.Outputs(notebook, 4));
        Assert.Empty(Notebooks.Outputs(notebook, 5));
        Assert.Equal(["execute_result: 5"], Notebooks.Outputs(notebook, 6));
        Assert.Equal(["1", "2", "", "3", "4", "5", "6"], notebook["cells"]!.AsArray().Select(cell => cell!["execution_count"]?.ToString() ?? ""));
    }

    [Fact]
    public void Console_and_displays_stay_in_order_and_text_that_follows_text_is_one_output()
    {
        JsonObject notebook = _workspace.Execute(
            0,
            "Console.Write(\"a\"); Console.Write('b'); Console.WriteLine(1.5);\ndisplay(\"shown\");\nConsole.WriteLine(\"c 🙂 "
                + "ü\");\nConsole.Error.WriteLine(\"bad\");\nConsole.WriteLine(\"d\");\n7");
        Assert.Equal(
            ["stdout: ab1.5\n", "display_data: shown", "stdout: c 🙂 ü\n", "stderr: bad\n", "stdout: d\n", "execute_result: 7"],
            Notebooks.Outputs(notebook, 0));
        Assert.Contains("c 🙂 ü", File.ReadAllText(_workspace.PathOf("artifacts", "run", "n.ipynb")), StringComparison.Ordinal);
    }

    [Fact]
    public void Characters_that_come_in_halves_arrive_whole_and_a_byte_order_mark_is_no_fault()
    {
        string path = _workspace.Write("n", "foreach (char c in \"a😀b\") Console.Write(c);");
        File.WriteAllText(path, File.ReadAllText(path), new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal(0, _workspace.Run("run", path).ExitCode);
        Assert.Equal(["stdout: a😀b"], Notebooks.Outputs(_workspace.Executed("n"), 0));
    }

    [Fact]
    public void An_update_replaces_the_earlier_output_also_from_a_later_cell()
    {
        JsonObject notebook = _workspace.Execute(
            0, "var d = display(\"first\");\n\"x\".Display();", "d.Update(\"second\");\nConsole.WriteLine(\"after\");");
        Assert.Equal(["display_data: second", "display_data: x"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["stdout: after\n"], Notebooks.Outputs(notebook, 1));
    }

    [Fact]
    public void Rich_values_keep_their_bundle_and_json_types_become_json()
    {
        JsonObject notebook = _workspace.Execute(
            0,
            """
            #r "Workbook.Notebook"
            class Rich : Workbook.Notebook.IShowable
            {
                public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
                {
                    ["text/plain"] = "plain", ["text/html"] = "<b>\n</b>", ["application/vnd.test+json"] = "{\"a\": [1.50]}",
                };
            }
            new Rich()
            """);
        JsonNode data = notebook["cells"]![0]!["outputs"]![0]!["data"]!;
        Assert.Equal("<b>\n</b>", Notebooks.Join(data["text/html"]));
        Assert.Equal("1.50", data["application/vnd.test+json"]!["a"]![0]!.ToJsonString());
    }

    [Fact]
    public void A_line_that_is_written_over_is_kept_once_and_a_runaway_loop_is_cut()
    {
        JsonObject notebook = _workspace.Execute(
            0,
            "for (int i = 0; i <= 100; i++) Console.Write($\"\\r{i} %\");\nConsole.WriteLine();",
            "string line = new('x', 999);\nfor (int i = 0; i < 3000; i++) Console.WriteLine(line);");
        Assert.Equal(["stdout: 100 %\n"], Notebooks.Outputs(notebook, 0));
        string text = Assert.Single(Notebooks.Outputs(notebook, 1));
        Assert.InRange(text.Length, 900_000, 1_100_000);
        Assert.EndsWith("[output cut: 2000000 more characters]\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_of_native_code_and_of_other_programs_is_the_running_cells()
    {
        string program = OperatingSystem.IsWindows() ? "cmd.exe\", \"/c echo from a program" : "echo\", \"from a program";
        JsonObject notebook = _workspace.Execute(
            0,
            "Console.WriteLine(\"one\");",
            $"System.Diagnostics.Process.Start(\"{program}\").WaitForExit();",
            "var raw = Console.OpenStandardOutput();\nraw.Write(\"{\\\"Kind\\\":4}\\n\"u8);");
        Assert.Equal(["stdout: one\n"], Notebooks.Outputs(notebook, 0));
        Assert.Equal(["stdout: from a program\n"], Notebooks.Outputs(notebook, 1));
        Assert.Equal(["stdout: {\"Kind\":4}\n"], Notebooks.Outputs(notebook, 2));
    }
}
