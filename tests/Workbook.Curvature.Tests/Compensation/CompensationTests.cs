using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Workbook.Tests;

public sealed class CompensationTests
{
    private static Tensor Draw(int seed, params long[] shape)
    {
        using Generator generator = RandomStream.Of(seed, "inputs");
        return randn(shape, dtype: ScalarType.Float64, generator: generator)
            .matmul(rand([shape[^1], shape[^1]], dtype: ScalarType.Float64, generator: generator));
    }

    private static Sequential One(int inputs, int outputs, int seed)
    {
        Sequential net = Sequential(("fc", Linear(inputs, outputs)));
        net.to(ScalarType.Float64);
        return Initializer.GlorotNormal.Apply(net, seed);
    }

    private static Tensor WeightOf(Module net) => net.named_parameters().First().parameter.detach();

    /// <summary>Squared error of each output unit, with the damping's part.</summary>
    private static double Error(Tensor inputs, Tensor moved, Tensor before, double damping) =>
        moved.sub(before) is var change ? inputs.matmul(change.t()).square().mean([0L]).sum().item<double>()
            + (damping * inputs.square().mean().item<double>() * change.square().sum().item<double>()) : 0;

    [Fact]
    public void Least_squares_is_the_masked_solution_of_each_row_and_SparseGPT_never_better() =>
        Gen.Select(Gen.Int[2, 7], Gen.Int[1, 4], Small.Seed, Gen.Double[0.2, 0.9]).Sample((columns, rows, seed, sparsity) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor inputs = Draw(seed, 30, columns);
            using Sequential dense = One(columns, rows, seed), best = One(columns, rows, seed), gpt = One(columns, rows, seed), none = One(columns, rows, seed);
            Mask mask = new Pruner(Saliency.Random(seed)).Prune(dense, sparsity);
            using Calibration calibration = Calibration.Of(dense, inputs, damping: 0.02);
            Compensation.LeastSquares(calibration).Apply(best, mask);
            new SparseGpt(calibration, 3).Apply(gpt, mask);
            Compensation.None.Apply(none, mask);
            double[] errors = [.. new[] { best, gpt, none }.Select(net => Error(inputs, WeightOf(net), WeightOf(dense), 0.02))];
            Assert.True(errors[0] <= errors[1] + 1e-9, "SparseGPT is better than least squares");
            Assert.True(errors[0] <= errors[2] + 1e-9, "setting to 0 is better than least squares");

            // The normal equations hold at the kept places, row by row.
            Tensor hessian = inputs.t().matmul(inputs).div(30);
            hessian = hessian.add(eye(columns, dtype: ScalarType.Float64).mul(0.02 * hessian.diagonal().mean()));
            Tensor slope = WeightOf(best).sub(WeightOf(dense)).matmul(hessian).mul(mask["fc.weight"]);
            Assert.True(slope.abs().max().item<double>() < 1e-8);
            Assert.True(WeightOf(best).masked_select(mask["fc.weight"].logical_not()).eq(0).all().item<bool>());
        });

    [Fact]
    public void Where_all_pruned_columns_stand_left_of_the_kept_SparseGPT_is_the_least_squares_solution() =>
        Gen.Select(Gen.Int[2, 8], Gen.Int[1, 4], Small.Seed, Gen.Int[1, 7]).Sample((columns, rows, seed, gone) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor inputs = Draw(seed, 40, columns), kept = ones(rows, columns);
            kept.narrow(1, 0, Math.Min(gone, columns - 1)).zero_();
            Mask mask = new([KeyValuePair.Create("fc.weight", kept)]);
            using Sequential best = One(columns, rows, seed), gpt = One(columns, rows, seed);
            using Calibration calibration = Calibration.Of(best, inputs);
            Compensation.LeastSquares(calibration).Apply(best, mask);
            new SparseGpt(calibration, 3).Apply(gpt, mask);
            Assert.True(WeightOf(best).sub(WeightOf(gpt)).abs().max().item<double>() < 1e-8);
        });

    [Fact]
    public void Where_nothing_is_pruned_nothing_moves()
    {
        using DisposeScope scope = NewDisposeScope();
        using LeNet5 network = LeNet5.Classic(1);
        using LabelledTensors data = new(randn([20, 1, 28, 28], generator: RandomStream.Of(1)), zeros(20, ScalarType.Int64));
        using Calibration calibration = Calibration.Of(network, data.Inputs);
        using BlockFisher fisher = BlockFisher.Of(network, data);
        string before = State.Of(network);
        foreach (Compensation compensation in new[] { Compensation.None, Compensation.LeastSquares(calibration), new SparseGpt(calibration), fisher })
        {
            compensation.Apply(network, Mask.Full(network));
            Assert.Equal(before, State.Of(network));
        }

        Assert.Equal(44190, new SparseGpt(calibration).Prune(network, 0).Kept);
        Assert.Equal(before, State.Of(network));
    }

    [Fact]
    public void SparseGPT_prunes_exactly_and_N_of_M_in_every_group_and_answers_better_than_without_compensation()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = Draw(1, 300, 32);
        using Sequential dense = One(32, 20, 1), half = One(32, 20, 1), groups = One(32, 20, 1), plain = One(32, 20, 1);
        using Calibration calibration = Calibration.Of(dense, inputs);
        Mask mask = new SparseGpt(calibration, 5).Prune(half, 0.55), two = new SparseGpt(calibration, 5).Prune(groups, 2, 4);
        Assert.Equal(288, mask.Kept);
        Assert.True(two["fc.weight"].reshape(-1, 4).sum(1).eq(2).all().item<bool>());
        Assert.Equal(mask["fc.weight"].count_nonzero().item<long>(), WeightOf(half).count_nonzero().item<long>());
        new Pruner(Saliency.Magnitude).Prune(plain, 0.55).Apply(plain);
        Assert.True(Answers.Difference(dense, half, inputs) < 0.7 * Answers.Difference(dense, plain, inputs));
    }

    [Fact]
    public void OBC_picks_for_each_row_what_surgery_one_by_one_takes_last()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = Draw(3, 50, 6);
        using Sequential net = One(6, 3, 3), again = One(6, 3, 3);
        using Calibration calibration = Calibration.Of(net, inputs);
        Mask mask = new Pruner(calibration.Obc.WithinRows()).Prune(net, 0.5);
        Tensor before = WeightOf(net).clone();
        Compensation.LeastSquares(calibration).Apply(again, mask);
        Tensor hessian = inputs.t().matmul(inputs).div(50);
        hessian = hessian.add(eye(6, dtype: ScalarType.Float64).mul(0.01 * hessian.diagonal().mean()));
        for (int row = 0; row < 3; row++)
        {
            Assert.True(Obs.Eliminate(before[row], hessian, 3).Weights.sub(WeightOf(again)[row]).abs().max().item<double>() < 1e-8);
        }
    }

    [Fact]
    public void Wanda_weighs_with_the_inputs_size_and_takes_as_many_of_every_unit()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = Draw(2, 50, 8);
        using Sequential net = One(8, 5, 2);
        using Calibration calibration = Calibration.Of(net, inputs);
        Mask mask = new Pruner(calibration.Wanda).Prune(net, 0.5);
        Tensor scores = WeightOf(net).abs().mul(inputs.square().mean([0L]).sqrt());
        for (int row = 0; row < 5; row++)
        {
            Assert.Equal(4, mask["fc.weight"][row].sum().item<long>());
            Assert.True(scores[row].masked_select(mask["fc.weight"][row]).min().item<double>()
                > scores[row].masked_select(mask["fc.weight"][row].logical_not()).max().item<double>());
        }
    }
}
