using CsCheck;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class LandscapeTests
{
    /// <summary>One example x = 1 of class 1.</summary>
    private static LabelledTensors One() => new(ones(1, 1), ones(1, ScalarType.Int64));

    /// <summary>x → u·(0, w)·x: the loss on <see cref="One"/> is log(1 + exp(−u·w)), the same at (u, w) and (−u, −w).</summary>
    private static nn.Module<Tensor, Tensor> Product() => nn.Sequential(nn.Linear(1, 1, hasBias: false), nn.Linear(1, 2, hasBias: false));

    public LandscapeTests() => set_num_threads(1);

    [Fact]
    public void A_network_moves_to_a_point_and_back()
    {
        using LeNet300100 a = new(1), b = new(2);
        Tensor there = Point.Of(a);
        Assert.Equal([266_610], there.shape);
        b.MoveTo(there);
        Assert.True(Point.Of(b).Equals(there));
        Assert.All(a.state_dict(), s => Assert.True(s.Value.Equals(b.state_dict()[s.Key])));
        Assert.Contains("266610 parameters", Assert.Throws<WorkbookException>(() => b.MoveTo(zeros(5))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Distances_and_angles_are_euclids()
    {
        Assert.Equal(5, Point.Distance(tensor(new float[] { 1, 1 }), tensor(new float[] { 4, 5 })), 1e-12);
        Assert.Equal(Math.Sqrt(0.5), Point.Cosine(tensor(new float[] { 2, 0 }), tensor(new float[] { 3, 3 })), 1e-12);
    }

    [Fact]
    public void A_map_keeps_the_distances_of_points_in_a_plane() =>
        Gen.Double[-10, 10].Array[2].Array[1, 6].Sample(points =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor[] placed = [.. points.Select(p => tensor(new double[] { p[0], 7, p[1], p[0] + p[1] }))]; // a plane of a larger space
            (double X, double Y)[] map = Point.Map(placed);
            for (int i = 0; i < placed.Length; i++)
            {
                for (int j = 0; j < placed.Length; j++)
                {
                    Assert.Equal(Point.Distance(placed[i], placed[j]), Math.Sqrt(Math.Pow(map[i].X - map[j].X, 2) + Math.Pow(map[i].Y - map[j].Y, 2)), 1e-5);
                }
            }
        }, iter: 50);

    [Fact]
    public void Losses_and_the_barrier_on_a_line_are_those_of_the_formula()
    {
        using nn.Module<Tensor, Tensor> network = Product();
        network.MoveTo(tensor(new float[] { 5, 6, 7 }));
        Tensor start = tensor(new float[] { 1, 0, 2 });
        PathScore[] path = Paths.Score(network, Paths.Line(start, -start), Paths.Places(29, -0.2, 1.2), One());
        Assert.All(path, p => Assert.Equal(Math.Log(1 + Math.Exp(-2 * Math.Pow(1 - (2 * p.Alpha), 2))), p.Score.Loss, 1e-6));
        Assert.Equal(Math.Log(2) - Math.Log(1 + Math.Exp(-2)), Paths.Barrier(path), 1e-6);
        Assert.Equal(1, Paths.Instability(path)); // in the middle both classes get 0, and the first wins
        Assert.Equal([5, 6, 7], Point.Of(network).data<float>());
    }

    [Fact]
    public void A_path_that_does_not_rise_has_no_barrier()
    {
        using nn.Module<Tensor, Tensor> network = Product();
        PathScore[] path = Paths.Score(network, Paths.Line(tensor(new float[] { 1, 0, 1 }), tensor(new float[] { 3, 0, 3 })), Paths.Places(11), One());
        Assert.Equal(0, Paths.Barrier(path));
        Assert.Equal(0, Paths.Instability(path));
        Assert.Contains("its end 1", Assert.Throws<WorkbookException>(() => Paths.Barrier(path[..5])).Message, StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => Paths.Places(1));
    }

    [Fact]
    public void A_bent_path_goes_around_the_barrier_and_leaves_pruned_weights_at_zero()
    {
        using LabelledTensors data = Noise.Data();
        using LeNet300100 a = new(1), b = new(2), between = new(3);
        Mask mask = new Pruner(Saliency.Random(1)).Prune(a, 0.5);
        Recipe recipe = new() { Epochs = 10 };
        Trainer.Train(a, data, recipe, 1, mask);
        Trainer.Train(b, data, recipe, 2, mask);
        (Tensor start, Tensor end, Tensor before) = (Point.Of(a), Point.Of(b), Point.Of(between));
        Tensor bend = BezierCurve.Bend(between, start, end, data, recipe with { Epochs = 20 }, seed: 1);
        Assert.True(Point.Of(between).Equals(before));
        Assert.True(bend.masked_select(start.eq(0).logical_and(end.eq(0))).eq(0).all().item<bool>());
        double line = Paths.Barrier(Paths.Score(between, Paths.Line(start, end), Paths.Places(11), data));
        double bent = Paths.Barrier(Paths.Score(between, BezierCurve.Through(start, bend, end), Paths.Places(11), data));
        Assert.True(bent < line / 4, $"{bent} on the curve, {line} on the line");
        PathScore[] ends = Paths.Score(between, BezierCurve.Through(start, bend, end), [0, 1], data);
        Assert.Equal([Trainer.Evaluate(a, data), Trainer.Evaluate(b, data)], ends.Select(p => p.Score));
    }

    private static string State(nn.Module<Tensor, Tensor> network) =>
        $"{network.training} {string.Join(' ', network.state_dict().Select(s =>
            $"{s.Key}={string.Join(',', s.Value.to(ScalarType.Float64).data<double>().ToArray())}"))} "
        + string.Join(' ', network.parameters().Select(p => p.grad is { } g ? string.Join(',', g.data<float>().ToArray()) : "none"));

    [Theory]
    [InlineData(0, true)]
    [InlineData(float.NaN, false)]
    public void Bending_puts_the_network_back_even_if_it_fails(float offset, bool succeeds)
    {
        using LabelledTensors data = new(rand(20, 3) + offset, zeros(20, ScalarType.Int64));
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2));
        (Tensor start, Tensor end) = (Point.Of(network), Point.Of(network) * 2);
        network.forward(rand(20, 3)).square().sum().backward();
        network.eval();
        string before = State(network);
        Exception? fault = Record.Exception(() => BezierCurve.Bend(network, start, end, data, new Recipe { Epochs = 2 }, seed: 1));
        Assert.Equal(succeeds, fault is null);
        Assert.Equal(before, State(network));
    }

    [Fact]
    public void Scoring_puts_the_network_back_even_if_it_fails()
    {
        using LabelledTensors data = new(rand(20, 3), zeros(20, ScalarType.Int64));
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2));
        Tensor start = Point.Of(network);
        network.eval();
        string before = State(network);
        Assert.Throws<InvalidOperationException>(() =>
            Paths.Score(network, alpha => alpha < 1 ? start * 3 : throw new InvalidOperationException(), [0, 1], data, data));
        Assert.Equal(before, State(network));
        using LabelledTensors wide = new(rand(20, 4), zeros(20, ScalarType.Int64));
        Assert.ThrowsAny<Exception>(() => Paths.Score(network, _ => start * 3, [0], data, statistics: wide));
        Assert.Equal(before, State(network));
        Assert.Equal(0.1, network.modules().OfType<TorchSharp.Modules.BatchNorm1d>().Single().momentum);
    }

    [Fact]
    public void What_does_not_fit_together_is_said_in_one_line()
    {
        using nn.Module<Tensor, Tensor> network = Product();
        (Tensor three, Tensor four) = (ones(3), ones(4));
        Action[] calls =
        [
            () => BezierCurve.Bend(network, three, four, One(), new Recipe(), 1), () => BezierCurve.Bend(network, four, four, One(), new Recipe(), 1),
            () => Point.Distance(three, four), () => Point.Distance(three, ones(1)), () => Point.Cosine(three, four), () => Point.Map([three, four]),
            () => Ensemble.Disagreement(ones(2, 3), ones(1, 3)), () => Ensemble.Disagreement(three, three),
            () => Ensemble.Accuracy([], four), () => Ensemble.Accuracy([ones(4, 2), ones(3, 2)], four), () => Ensemble.Accuracy([ones(1, 2)], four),
        ];
        Assert.All(calls, call => Assert.DoesNotContain('\n', Assert.Throws<WorkbookException>(call).Message));
    }

    [Fact]
    public void A_plane_holds_its_three_points()
    {
        using LabelledTensors data = Noise.Data();
        using LeNet300100 a = new(1), b = new(2), c = new(3);
        Tensor[] points = [Point.Of(a), Point.Of(b), Point.Of(c)];
        using Plane plane = new(points[0], points[1], points[2]);
        Assert.All(points.Zip(plane.Corners), p => Assert.Equal(0, Point.Distance(p.First, plane.At(p.Second.X, p.Second.Y)), 1e-4));
        Score[][] grid = plane.Score(c, [0, plane.Corners[1].X], [0], data);
        Assert.Equal(Trainer.Evaluate(a, data).Loss, grid[0][0].Loss, 1e-5);
        Assert.Equal(Trainer.Evaluate(b, data).Loss, grid[0][1].Loss, 1e-5);
        Assert.Throws<WorkbookException>(() => new Plane(points[0], points[1], points[0] * 2 - points[1]));
    }

    [Fact]
    public void Batch_norm_statistics_are_those_of_the_place()
    {
        using Generator generator = RandomStream.Of(1, "norm");
        using LabelledTensors data = new(randn([200, 3], generator: generator) * 4 + 9, randint(0, 2, [200], generator: generator));
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2));
        Tensor start = Point.Of(network), end = Point.Of(network) * 3;
        Assert.Throws<WorkbookException>(() => Paths.Score(network, Paths.Line(start, end), [0, 0.5, 1], data));
        Tensor before = network.state_dict()["1.running_mean"].clone();
        PathScore[] path = Paths.Score(network, Paths.Line(start, end), [0, 0.5, 1], data, statistics: data);
        Assert.True(before.Equals(network.state_dict()["1.running_mean"]));

        // By hand, in training mode: one batch of all examples is normalized by its own statistics (the biased variance there, the unbiased here).
        network.MoveTo(start.mul(0.5).add(end.mul(0.5)));
        network.train();
        double loss = nn.functional.cross_entropy(network.forward(data.Inputs), data.Labels).item<float>();
        Assert.Equal(loss, path[1].Score.Loss, 0.01);
    }

    [Fact]
    public void Disagreement_and_ensembles_are_counted()
    {
        Tensor a = tensor(new float[,] { { 0.9f, 0.1f }, { 0.6f, 0.4f }, { 0.2f, 0.8f }, { 0.4f, 0.6f } });
        Tensor b = tensor(new float[,] { { 0.8f, 0.2f }, { 0.1f, 0.9f }, { 0.9f, 0.1f }, { 0.3f, 0.7f } });
        Assert.Equal(0.5, Ensemble.Disagreement(a, b));
        Assert.Equal(0.75, Ensemble.Accuracy([a, b], tensor(new long[] { 0, 1, 1, 1 }))); // means of class 1: 0.15, 0.65, 0.45, 0.65
        using LabelledTensors data = Noise.Data();
        using LeNet300100 network = new(1);
        Tensor probabilities = Ensemble.Probabilities(network, data);
        Assert.Equal(Trainer.Evaluate(network, data).Accuracy, Ensemble.Accuracy([probabilities], data.Labels), 1e-12);
    }
}
