using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class RunsTests : IDisposable
{
    private const string Training = """
        var data = new LabelledTensors(rand(64, 784), zeros(64, int64)) { Name = "noise" };
        data.Inputs.fill_(0.5);
        var network = new LeNet300100(seed: 1);
        Run run = Lab.Runs.Train(network, data, new Recipe { Epochs = 1 }, seed: 1, null, Probe.Score(data, name: "noise"));
        Console.WriteLine($"{run.Finished.Ticks} {Trainer.Evaluate(network, data).Loss}");
        """;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_notebook_that_runs_again_finds_its_trainings_and_the_commands_list_show_and_delete_them()
    {
        string first = Output(), second = Output();
        Assert.Equal(first, second);
        Assert.True(Directory.Exists(_workspace.PathOf("artifacts", "runs")));

        string list = Run(0, "runs", "list");
        Assert.Contains("finished    LeNet300100", list, StringComparison.Ordinal);
        Assert.Contains("noise accuracy 100.00", list, StringComparison.Ordinal);
        Assert.Contains("1 finished, ", list, StringComparison.Ordinal);
        Assert.Contains("\nbeside them 1 measurement, ", list, StringComparison.Ordinal);
        string hash = list[..20];
        string shown = Run(0, "runs", "show", hash[..5]);
        Assert.Contains("\"learningRate\": 0.1", shown, StringComparison.Ordinal);
        Assert.Contains("weights.safetensors", shown, StringComparison.Ordinal);
        Assert.Contains("no run begins with xyz", Errors("runs", "show", "xyz"), StringComparison.Ordinal);

        Assert.Contains("deleted 0 runs", Run(0, "runs", "prune"), StringComparison.Ordinal);
        File.AppendAllText(_workspace.PathOf("artifacts", "runs", hash, "run.json"), " ");
        Assert.Contains("1 damaged", Run(0, "runs", "list"), StringComparison.Ordinal);
        Assert.Contains("run.json is missing or not as it was written", Run(0, "runs", "show", hash), StringComparison.Ordinal);
        Assert.Contains("would delete 1 run,", Run(0, "runs", "prune", "--dry-run"), StringComparison.Ordinal);
        Assert.Contains($"{hash}  damaged", Run(0, "runs", "prune"), StringComparison.Ordinal);
        Assert.StartsWith("no runs in ", Run(0, "runs", "list"), StringComparison.Ordinal);

        Assert.NotEqual(first, Output());
        Assert.Matches(@"^deleted 1 run, \d\.\d MB; 1 measurement, ", Run(0, "runs", "prune", "--all").Split('\n')[^2]);
        Assert.DoesNotContain("measurement", Run(0, "runs", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_notebooks_own_measurement_is_made_again_after_an_edit_of_what_it_calls_and_not_after_another()
    {
        string half = "double Half(double x) => x / 2;", other = "int unused = 1;";
        Assert.Equal("stdout: measured 2", Measured(other, half));
        Assert.Equal("stdout: kept 2", Measured(other, half));
        Assert.Equal("stdout: kept 2", Measured("string unused = \"another cell is edited\";", "// And a comment.\ndouble Half(double x) => x / 2;"));
        Assert.Equal("stdout: measured 1", Measured(other, "double Half(double x) => x / 4;"));
        Assert.Equal("stdout: measured 1", Measured(other, "double Quarter(double x) => x / 4;\ndouble Half(double x) => Quarter(x);"));
        Assert.Equal("stdout: measured 3", Measured(other, "double Quarter(double x) => x - 1;\ndouble Half(double x) => Quarter(x);"));
        Assert.Equal("stdout: kept 2", Measured(other, half));

        string Measured(string before, string function) => string.Concat(Notebooks.Outputs(_workspace.Execute(0, $"#!import {Repository.PathOf("lab.csx")}",
            before, function, "string how = \"kept\";\nvar numbers = Lab.Runs.Measure(\"half\", [4.0], () => { how = \"measured\"; return [Half(4)]; });\n"
            + "Console.Write($\"{how} {numbers[0]}\");"), 3));
    }

    [Fact]
    public void A_store_that_can_not_be_used_is_one_clear_line()
    {
        Assert.Contains("is not a folder", Errors("runs", "list", "--runs", "nowhere"), StringComparison.Ordinal);
        _workspace.WriteText(Path.Combine("other", "store.json"), "{ \"format\": 9 }");
        Assert.Contains("is of another version", Errors("runs", "list", "--runs", "other"), StringComparison.Ordinal);
        Assert.Contains("--older-than needs a number of days", Errors("runs", "prune", "--older-than", "soon"), StringComparison.Ordinal);
    }

    private string Output() => string.Concat(Notebooks.Outputs(_workspace.Execute(0, $"#!import {Repository.PathOf("lab.csx")}", Training), 1));

    private string Run(int expectedExitCode, params string[] arguments)
    {
        (int exitCode, string output, string errors) = _workspace.Run(arguments);
        Assert.True(exitCode == expectedExitCode, $"exit code {exitCode}: {errors}");
        return output;
    }

    private string Errors(params string[] arguments)
    {
        (int exitCode, _, string errors) = _workspace.Run(arguments);
        Assert.Equal(2, exitCode);
        return Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
