using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Workbook.Cli.Tests.Running;

/// <summary>The template for models of one's own, with other models in the place of its own.</summary>
public sealed partial class OwnModelTests : IDisposable
{
    private const string Table = """
        var generator = new Generator(1);
        Tensor inputs = randn([5_000, 20], generator: generator);
        Tensor targets = inputs.matmul(randn([20, 3], generator: generator));
        Tensor labels =
        """;

    private const string Images = """
        var generator = new Generator(1);
        Tensor inputs = randn([300, 3, 12, 20], generator: generator), labels = inputs[.., 0].mean([1, 2]).gt(0).to(ScalarType.Int64);
        LabelledTensors train = new(inputs[..200], labels[..200]), validation = new(inputs[200..250], labels[200..250]);
        LabelledTensors test = new(inputs[250..], labels[250..]);

        """;

    private const string ResidualWithoutLinear = Images + """
        class Net : Module<Tensor, Tensor>
        {
            private readonly Conv2d first, inner, last;
            private readonly BatchNorm2d norm;

            public Net() : base(nameof(Net))
            {
                (first, inner, last, norm) = (Conv2d(3, 8, 3, padding: 1), Conv2d(8, 8, 3, padding: 1), Conv2d(8, 2, 1), BatchNorm2d(8));
                RegisterComponents();
            }

            public override Tensor forward(Tensor input)
            {
                Tensor x = first.forward(input).relu();
                return last.forward(norm.forward(inner.forward(x)).add(x).relu()).mean([2, 3]);
            }
        }

        Module<Tensor, Tensor> NewModel() => Initializer.HeNormal.Apply(new Net(), seed: 0);
        string[] whole = ["last"];

        """;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void The_example_of_a_table_runs_in_the_place_of_the_networks_cell()
    {
        string text = Run(0, $"{Table} targets.argmax(1);\n{Example(0)}\n{ScoreAndTrain()}");
        Assert.Contains("Sequential, for one example of [20]", text, StringComparison.Ordinal);
        Assert.Contains("[holds] structure.own-removal-is-exact", text, StringComparison.Ordinal);
        Assert.Contains("[holds] pruning.own-files-answer-the-same", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_of_a_training_loop_runs_in_the_place_of_the_trainers()
    {
        string text = Run(0, $"{Table} targets;\n{Example(0)}\n{Example(1)}");
        Assert.Contains("[holds] structure.own-removal-is-exact", text, StringComparison.Ordinal);
        Assert.Contains("−mean squared error", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Residual_convolutions_without_a_linear_layer_run_on_images_of_any_size()
    {
        string text = Run(0, ResidualWithoutLinear + ScoreAndTrain());
        Assert.Contains("Net, for one example of [3, 12, 20]", text, StringComparison.Ordinal);
        Assert.Contains("first, inner: 8 units", text, StringComparison.Ordinal);
        Assert.Contains("[holds] structure.own-removal-is-exact", text, StringComparison.Ordinal);
        Assert.Contains("[holds] pruning.own-files-answer-the-same", text, StringComparison.Ordinal);
        Assert.DoesNotContain("the same, sparse layers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_channels_cant_be_followed_the_rest_goes_on_without_them()
    {
        string model = Example(0).Replace("ReLU(), Linear(128, 64), ReLU(), Linear(64, 3)", "Twice(Linear(128, 128)), Linear(128, 3)", StringComparison.Ordinal)
            .Replace("\"4\"", "\"2\"", StringComparison.Ordinal);
        const string twice = "\nModule<Tensor, Tensor> Twice(Module<Tensor, Tensor> layer) => Sequential(layer, ReLU(), layer, ReLU());\n";
        string text = Run(0, $"{Table} targets.argmax(1);\n{twice}{model}\n{ScoreAndTrain()}");
        Assert.Contains("No channels are taken out: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("structure.own-removal-is-exact", text, StringComparison.Ordinal);
        Assert.Contains("[holds] pruning.own-files-answer-the-same", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_norm_over_channels_that_go_is_no_exact_removal_and_the_notebook_says_so()
    {
        string model = Example(0).Replace("ReLU(), Linear(128, 64)", "LayerNorm(128), Linear(128, 64)", StringComparison.Ordinal);
        string text = Run(0, $"{Table} targets.argmax(1);\n{model}\n{ScoreAndTrain()}");
        Assert.Contains("over which '1' normalizes anew", text, StringComparison.Ordinal);
        Assert.Matches("1 normalizes fewer: [1-9][0-9]* % off", text);
        Assert.DoesNotContain("structure.own-removal-is-exact", text, StringComparison.Ordinal);
        Assert.Contains("[holds] pruning.own-files-answer-the-same", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_does_not_know_its_layers_is_refused_before_it_is_trained()
    {
        string forgotten = ResidualWithoutLinear.Replace("RegisterComponents();", "", StringComparison.Ordinal);
        string text = Run(1, forgotten + ScoreAndTrain());
        Assert.Contains("the model has no weights to prune", text, StringComparison.Ordinal);
        Assert.DoesNotContain("before training", text, StringComparison.Ordinal);
    }

    [Fact]
    public void PyTorch_reads_the_files_by_the_lines_that_the_notebook_gives()
    {
        string? python = Array.Find(["python3", "/usr/bin/python3"], p => Python(p, "import torch") is not null);
        Assert.SkipWhen(python is null, "no python3 on this machine has PyTorch, to read the files with");
        _ = Run(0, yours: null);
        string printed = Python(python!, string.Concat(Blocks("python")), _workspace.PathOf("artifacts", "own")) ?? "";
        double[] differences = [.. Difference().Matches(printed).Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.True(differences is [< 1e-4, < 1e-4], printed);
    }

    /// <summary>All that the notebook shows, with this in the place of the marked cell.</summary>
    private string Run(int expectedExitCode, string? yours)
    {
        JsonObject notebook = Template();
        if (yours is not null)
        {
            Marked(notebook)["source"] = yours;
        }

        (int exitCode, _, string errors) = _workspace.Run("run", _workspace.Write("own", notebook), "--dataset", "digits",
            "-p", "epochs=0.5", "-p", "tuningEpochs=0.1", "-p", "mayLose=100");
        Assert.True(exitCode == expectedExitCode, $"exit code {exitCode}: {errors}");
        JsonObject executed = _workspace.Executed("own");
        int cells = executed["cells"]!.AsArray().Count(c => c!["cell_type"]!.ToString() == "code");
        return string.Join('\n', Enumerable.Range(0, cells).SelectMany(i => Notebooks.Outputs(executed, i)));
    }

    private static JsonObject Template() => JsonNode.Parse(File.ReadAllText(Repository.PathOf("notebooks", "04-prune-your-own.ipynb")))!.AsObject();

    private static JsonObject Marked(JsonObject notebook) =>
        notebook["cells"]!.AsArray().Select(c => c!.AsObject()).Single(c => c["metadata"]!["tags"]?[0]!.ToString() == "yours");

    /// <summary>The network's own lines about scoring and training.</summary>
    private static string ScoreAndTrain() => Lines().Match(Notebooks.Join(Marked(Template())["source"])).Value;

    private static string Example(int number) => Blocks("csharp")[number];

    private static string[] Blocks(string language) => [.. Template()["cells"]!.AsArray().Where(c => c!["cell_type"]!.ToString() == "markdown")
        .SelectMany(c => Fenced().Matches(Notebooks.Join(c!["source"]))).Where(m => m.Groups[1].Value == language).Select(m => m.Groups[2].Value)];

    /// <summary>What a program in Python prints; null where it fails.</summary>
    private static string? Python(string python, string program, string? folder = null)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(python, ["-c", program])
                {
                    WorkingDirectory = folder ?? "",
                    RedirectStandardOutput = true,
                    RedirectStandardError = true
                })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : folder is null ? null : errors.GetAwaiter().GetResult();
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"^string measure.*?(?=^Lab\.)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Lines();

    [GeneratedRegex(@"^```(\w+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex(@"differs by (\S+)")]
    private static partial Regex Difference();
}
