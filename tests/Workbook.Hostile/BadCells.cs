using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Tests.Running;

namespace Workbook.Hostile;

/// <summary>
/// Notebooks that are damaged, and whose cells do their worst, run by the real program beside one that is sound: that one is run and reported.
/// </summary>
internal sealed class BadCells(IReadOnlyList<JsonNode> notebooks) : Attack
{
    private const int Together = 6;
    private const long MostMemory = 3_000_000_000;

    private static readonly string[] s_cells =
    [
        "1 + 1", "Console.WriteLine(6 * 7);", "throw null;",
        "throw new Odd();\nclass Odd : Exception { public override string Message => throw this; }", "Environment.Exit(3);",
        "Environment.FailFast(\"\\u001b[2J\");", "async void F() { await Task.Delay(1); throw new Exception(); } F();",
        "int F(int x) => F(x + 1) + 1; F(0)", "while (true) Console.Write(new string('x', 100_000));", "Enumerable.Repeat(1, int.MaxValue)",
        "System.Diagnostics.Process.Start(\"sh\", [\"-c\", \"setsid sleep 1000\"]);", "new Thread(() => Environment.Exit(0)).Start();",
        "System.Runtime.InteropServices.Marshal.ReadByte(0)", "Console.OpenStandardOutput().Close();", "int[] a = new int[int.MaxValue];",
        "Console.Out.Close(); Console.WriteLine(1);", "new string('\\ud800', 10)", "string s = null; s", "#error \u001b", "goto x;",
        "#if false\n#!x\n#endif\n1", "Directory.SetCurrentDirectory(\"/\");",
        "AppDomain.CurrentDomain.UnhandledException += (_, _) => { while (true) ; }; throw new Exception();",
        "GC.Collect(); System.Reflection.Assembly.Load(new byte[9])", "Console.Error.Write(\"\\u001b]0;x\\u0007\");",
        "Thread.CurrentThread.Priority = 0; 1", "typeof(Console).GetMethods()", "dynamic d = 1; d.X()",
        "#pragma warning disable\na?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[a?[0",
        "ThreadPool.QueueUserWorkItem(_ => throw null); Thread.Sleep(100);",
    ];

    public override int Share => 4;

    public override int InOne => Together;

    public override TimeSpan Patience => TimeSpan.FromMinutes(3);

    public override string? Try(Random random, string folder)
    {
        string from = Path.Combine(folder, "notebooks");
        Directory.CreateDirectory(from);
        for (int i = 0; i < Together; i++)
        {
            JsonNode notebook = notebooks[random.Next(notebooks.Count)].DeepClone();
            JsonArray cells = notebook["cells"]!.AsArray();
            foreach (JsonNode? code in cells.Where(c => c!["cell_type"]!.ToString() == "code").ToArray())
            {
                code!["outputs"] = new JsonArray();
                code["source"] = "";
            }

            // Cells that run are few: each notebook has an end.
            JsonNode first = cells.First(c => c!["cell_type"]!.ToString() == "code")!;
            first["source"] = s_cells[random.Next(s_cells.Length)];
            File.WriteAllText(Path.Combine(from, $"odd-{i}.ipynb"), random.Next(3) == 0 ? Damage.Json(random, notebook) : notebook.ToJsonString());
        }

        File.WriteAllText(Path.Combine(from, "sane.ipynb"), Notebooks.OfCode("Console.WriteLine(6 * 7);").ToJsonString());
        (int? exitCode, string output, string errors, long peak) =
            RealProgram.Finish(RealProgram.Start(folder, "run", "notebooks", "--out", "out", "--timeout", "8"), Patience - TimeSpan.FromSeconds(10));
        PeakMemory = Math.Max(PeakMemory, peak);
        string page = Path.Combine(folder, "out", "site", "sane.html");
        return exitCode is null ? "the program did not end" : exitCode is not (0 or 1) ? $"exit code {exitCode}: {Readable(errors)}"
            : !output.Contains("sane: ran", StringComparison.Ordinal) ? $"the sound notebook did not run: {Readable(errors)}"
            : !File.Exists(page) || !File.ReadAllText(page).Contains("42", StringComparison.Ordinal) ? "the sound notebook is not in the report"
            : Regex.IsMatch(errors, @"^\s+at \S+\(", RegexOptions.Multiline) ? $"a stack trace: {Readable(errors)}"
            : (errors + output).FirstOrDefault(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')) is not '\0' and var sign
                ? $"the terminal gets U+{(int)sign:X4}"
            : errors.Split('\n').FirstOrDefault(line => line.Length > 0 && !line.StartsWith("error: ", StringComparison.Ordinal)
                && !line.StartsWith("warning: ", StringComparison.Ordinal)) is { } other ? $"a line that is no error: {Readable(other)}"
            : peak > MostMemory ? $"{peak / 1e6:N0} MB" : RealProgram.Left(folder) is [var left, ..] ? $"still runs: {left}"
            : Directory.EnumerateFiles(Path.Combine(folder, "out"), "*.tmp", SearchOption.AllDirectories).FirstOrDefault();
    }
}
