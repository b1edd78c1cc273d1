using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace Workbook.Benchmarks;

/// <summary>What the headless runner costs: against the same statements compiled, and until the first cell is done.</summary>
internal static class RunnerBenchmark
{
    private static readonly string s_here = Assembly.GetExecutingAssembly().Location;

    internal static void Run()
    {
        Startup(runs: 5);
        Overhead(steps: 14_000, pairs: 3);
    }

    /// <summary>Alternates the two arms; each is a process of its own, timed from outside.</summary>
    private static void Overhead(int steps, int pairs)
    {
        string statements = Between(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Workload.cs")), "//// begin", "//// end")
            .Replace("using Generator", "Generator", StringComparison.Ordinal); // a script keeps what its cells declare
        using TemporaryNotebook notebook = new("#!import " + Lab, $"int steps = {steps};", statements);
        Alternating.Compare(
            $"runner / compiled program, {steps} steps",
            "s",
            () => Time(Cli("run", notebook.Path, "--out", notebook.Output)),
            () => Time([s_here, "workload", steps.ToString(CultureInfo.InvariantCulture)]),
            pairs);
    }

    /// <summary>From the start of the process to its end, for a notebook of one cell that makes a tensor, and for one that adds two numbers.</summary>
    private static void Startup(int runs)
    {
        foreach ((string name, string[] cells) in new[] { ("1 + 1", new[] { "1 + 1" }),
            ("lab.csx and a first tensor", ["#!import " + Lab, "rand(2, 2).sum().item<float>()"]) })
        {
            using TemporaryNotebook notebook = new(cells);
            double[] seconds = [.. Enumerable.Range(0, runs + 1).Select(_ => Time(Cli("run", notebook.Path, "--out", notebook.Output))).Skip(1)];
            Console.WriteLine($"start to end, {name}: {Alternating.Spread(seconds)} s");
        }
    }

    private static string Lab => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "lab.csx"));

    private static string[] Cli(params string[] arguments) => [Path.Combine(AppContext.BaseDirectory, "Workbook.Cli.dll"), .. arguments];

    private static double Time(string[] arguments)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string error = "";
        process.ErrorDataReceived += (_, line) => error += line.Data + "\n";
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? watch.Elapsed.TotalSeconds
            : throw new InvalidOperationException($"{string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}{error}");
    }

    private static string Between(string text, string begin, string end)
    {
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[from..text.IndexOf(end, StringComparison.Ordinal)];
    }

    private sealed class TemporaryNotebook : IDisposable
    {
        internal string Folder { get; } = Directory.CreateTempSubdirectory("workbook-benchmark-").FullName;

        internal string Output => System.IO.Path.Combine(Folder, "out");

        internal string Path => System.IO.Path.Combine(Folder, "benchmark.ipynb");

        internal TemporaryNotebook(params string[] cells) => File.WriteAllText(Path, JsonSerializer.Serialize(new
        {
            cells = cells.Select((source, i) => new
            {
                cell_type = "code",
                execution_count = (int?)null,
                id = $"cell-{i}",
                metadata = new { },
                outputs = Array.Empty<object>(),
                source
            }),
            metadata = new { kernelspec = new { display_name = ".NET (C#)", language = "C#", name = ".net-csharp" } },
            nbformat = 4,
            nbformat_minor = 5,
        }));

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
