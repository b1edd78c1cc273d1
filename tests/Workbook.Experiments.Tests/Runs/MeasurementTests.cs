using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>What was measured is not measured again, and whatever it depends on measures it again.</summary>
[Collection(DefaultGenerator.Name)]
public sealed class MeasurementTests : IDisposable
{
    private const int Tried = 8;

    private readonly TemporaryFolder _folder = new();
    private readonly LabelledTensors _data = Noise.Data();
    private readonly List<string> _reports = [];
    private readonly IDisposable _keeping;

    public MeasurementTests()
    {
        set_num_threads(1);
        _keeping = Store().KeepMeasurements();
    }

    public void Dispose()
    {
        _keeping.Dispose();
        _data.Dispose();
        _folder.Dispose();
    }

    private RunStore Store() => RunStore.Open(_folder.Path, _reports.Add);

    private string File => Assert.Single(Directory.GetFiles(Path.Combine(_folder.Path, "measured")));

    /// <summary>Counts the examples that it has seen; an activation of one's own, which no weight shows.</summary>
    private sealed class Counting : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _layer;
        private readonly Func<Tensor, Tensor> _activation;

        internal Counting(Func<Tensor, Tensor>? activation = null, int seed = 1)
            : base("Counting")
        {
            _layer = Initializer.GlorotNormal.Apply(nn.Linear(784, 10), seed);
            _activation = activation ?? (x => nn.functional.relu(x));
            RegisterComponents();
        }

        internal long Seen { get; private set; }

        public override Tensor forward(Tensor input)
        {
            Seen += input.shape[0];
            return _activation(_layer.forward(input));
        }
    }

    private static bool Measures(Counting network, Action<Counting> measure)
    {
        long before = network.Seen;
        measure(network);
        return network.Seen - before > Tried;
    }

    [Fact]
    public void Scores_paths_planes_Hessians_and_bends_are_measured_once_and_come_back_to_the_last_digit()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors few = _data.Slice(0, 50);
        Tensor a = Point.Of(new Counting(seed: 1)), b = Point.Of(new Counting(seed: 2)), c = Point.Of(new Counting(seed: 3));
        using Plane plane = new(a, b, c);
        Func<Counting, double[]>[] measures =
        [
            n => Trainer.Evaluate(n, _data) is var score ? [score.Loss, score.Accuracy] : [],
            n => [.. Paths.Score(n, Paths.Line(a, b), [0, 0.5, 1], few).SelectMany(p => new[] { p.Alpha, p.Score.Loss, p.Score.Accuracy })],
            n => [.. plane.Score(n, [0, 1, 2], [0, 1], few).SelectMany(row => row.SelectMany(s => new[] { s.Loss, s.Accuracy }))],
            n => [.. Hessian.LargestEigenvalues(n, few, tolerance: 1e-2)],
            n => [.. BezierCurve.Bend(n, a, b, few, new Recipe { BatchSize = 10 }, 1).to(ScalarType.Float64).data<double>()],
        ];
        _keeping.Dispose();
        double[][] plain = [.. measures.Select(measure => measure(new Counting()))];
        using IDisposable keeping = Store().KeepMeasurements();
        Assert.All(measures.Zip(plain), pair =>
        {
            (Func<Counting, double[]> measure, double[] right) = pair;
            Counting network = new();
            double[] first = [], again = [];
            Assert.True(Measures(network, n => first = measure(n)));
            Assert.False(Measures(network, n => again = measure(n)));
            Assert.Equal(right, first);
            Assert.Equal(first, again);
        });
        Score[][] grid = plane.Score(new Counting(), [0, 1, 2], [0, 1], few);
        Assert.Equal((2, 3), (grid.Length, grid[1].Length));
        Assert.Empty(_reports);
        Assert.Empty(Store().List());
    }

    [Fact]
    public void A_network_with_hooks_is_measured_each_time_and_they_are_called_as_ever()
    {
        using DisposeScope scope = NewDisposeScope();
        int calls = 0;
        TorchSharp.Modules.Linear layer = nn.Linear(784, 10);
        nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Flatten(), layer);
        layer.register_forward_hook((_, _, output) =>
        {
            calls++;
            return output;
        });
        Trainer.Evaluate(network, _data, (int)_data.Count);
        Trainer.Evaluate(network, _data, (int)_data.Count);
        Assert.Equal(2, calls);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "measured")));
    }

    [Fact]
    public void Another_weight_another_example_or_another_forward_measures_again()
    {
        using DisposeScope scope = NewDisposeScope();
        Counting network = new(), other = new(x => x.tanh());
        Assert.True(Measures(network, n => Trainer.Evaluate(n, _data)));
        Assert.False(Measures(network, n => Trainer.Evaluate(n, _data)));
        Assert.True(Measures(other, n => Trainer.Evaluate(n, _data)));
        using (LabelledTensors edited = new(_data.Inputs.clone(), _data.Labels.clone()))
        {
            edited.Inputs[500, 3].fill_(2);
            Assert.True(Measures(network, n => Trainer.Evaluate(n, edited)));
        }

        using (no_grad())
        {
            network.parameters().First().view(-1)[783].add_(from_array(new[] { 1f }).squeeze());
        }

        Assert.True(Measures(network, n => Trainer.Evaluate(n, _data)));
        Assert.False(Measures(network, n => Trainer.Evaluate(n, _data)));
    }

    [Fact]
    public void A_training_keeps_none_of_the_scores_on_its_way()
    {
        Trainer.Train(new Counting(), _data, new Recipe(), 1, null, Probe.Score(_data, every: 1));
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "measured")));
    }

    [Fact]
    public void A_measurement_of_ones_own_is_known_by_what_it_depends_on_and_by_its_code()
    {
        int measured = 0;
        double[] Sum(params double[] numbers)
        {
            measured++;
            return [numbers.Sum(), double.NaN, -0.0, double.PositiveInfinity];
        }

        double[] expected = [6, double.NaN, -0.0, double.PositiveInfinity];

        using Tensor one = ones(3), two = ones(3).mul(2);
        double[] Measure(params object?[] from) => [.. Store().Measure("sum", from, () => Sum(1, 2, 3))];
        object?[][] others =
        [
            [one, 1], [two, 1], [one, 2], [one, 1.5], [one, "1"], [one, null], [one, (Func<int>)(() => 1)], [one, (Func<int>)(() => 2)],
            [one, new[] { "a", "b" }], [one, "a", "b"], [one, new[] { "a b" }],
        ];
        foreach (object?[] from in others.Concat(others))
        {
            Assert.Equal(expected, Measure(from));
        }

        Assert.Equal(others.Length, measured);
        Assert.Equal(7, Assert.Single(Store().Measure("sum", [one, 1], () => [7])));
        Assert.Contains("a StringBuilder has no hash", Assert.Throws<WorkbookException>(() => Measure(new System.Text.StringBuilder())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_measurement_is_made_again_and_one_line_says_so()
    {
        Counting network = new();
        Score right = Trainer.Evaluate(network, _data);
        Action<string>[] damages =
        [
            path => System.IO.File.WriteAllText(path, ""),
            path => System.IO.File.WriteAllText(path, System.IO.File.ReadAllText(path)[..^20]),
            path => System.IO.File.WriteAllText(path,
                System.IO.File.ReadAllText(path).Replace("\"values\": [", "\"values\": [\n0.5,", StringComparison.Ordinal)),
            path => System.IO.File.WriteAllText(path, "null"),
            path => System.IO.File.WriteAllText(path, "{}"),
        ];
        Assert.All(damages, damage =>
        {
            _reports.Clear();
            damage(File);
            Score found = default;
            Assert.True(Measures(network, n => found = Trainer.Evaluate(n, _data)));
            Assert.Equal(right, found);
            string line = Assert.Single(_reports);
            Assert.StartsWith($"measurement {File} is damaged (", line, StringComparison.Ordinal);
            Assert.EndsWith("): it is measured again", line, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', line);
            Assert.False(Measures(network, n => Trainer.Evaluate(n, _data)));
        });
    }

    [Fact]
    public void A_store_that_cant_be_written_keeps_nobody_from_measuring()
    {
        Score right = Trainer.Evaluate(new Counting(), _data);
        Directory.Delete(_folder.Path, recursive: true);
        System.IO.File.WriteAllText(_folder.Path, "a file in the folder's place");
        try
        {
            Counting network = new();
            Assert.Equal(right, Trainer.Evaluate(network, _data));
            Assert.True(Measures(network, n => Trainer.Evaluate(n, _data)));
            Assert.EndsWith("what is measured is not kept", Assert.Single(_reports), StringComparison.Ordinal);
        }
        finally
        {
            System.IO.File.Delete(_folder.Path);
            Directory.CreateDirectory(_folder.Path);
        }
    }
}
