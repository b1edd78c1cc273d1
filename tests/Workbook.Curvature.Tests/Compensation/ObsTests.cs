using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ObsTests
{
    private static (Tensor Weights, Tensor Hessian) Quadratic(int n, int seed)
    {
        using Generator generator = RandomStream.Of(seed, "quadratic");
        Tensor root = randn([n, n + 2], dtype: ScalarType.Float64, generator: generator);
        return (randn([n], dtype: ScalarType.Float64, generator: generator), root.matmul(root.t()).add(eye(n, dtype: ScalarType.Float64).mul(0.1)));
    }

    /// <summary>½·(x − w)ᵀH(x − w).</summary>
    private static double Loss(Tensor x, Tensor w, Tensor hessian) => x.sub(w).dot(hessian.matmul(x.sub(w))).item<double>() / 2;

    /// <summary>The least of the quadratic where the weights of a set are 0: a linear system over the others.</summary>
    private static Tensor Best(Tensor w, Tensor hessian, IEnumerable<long> gone)
    {
        long[] left = [.. Enumerable.Range(0, (int)w.numel()).Select(i => (long)i).Except(gone)];
        Tensor x = zeros_like(w);
        if (left.Length > 0)
        {
            Tensor at = tensor(left);
            x.index_copy_(0, at, linalg.solve(hessian.index_select(0, at).index_select(1, at), hessian.index_select(0, at).matmul(w)));
        }

        return x;
    }

    [Fact]
    public void On_a_quadratic_it_takes_the_weight_and_moves_the_others_as_trying_all_does() =>
        Gen.Select(Gen.Int[1, 6], Small.Seed).Sample((n, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor w, Tensor hessian) = Quadratic(n, seed);
            Elimination gone = Obs.Eliminate(w, hessian, 1);
            (double best, long q) = Enumerable.Range(0, n).Select(i => (Loss(Best(w, hessian, [i]), w, hessian), (long)i)).Min();
            Assert.Equal([q], gone.Order);
            Assert.Equal(best, gone.Costs[0], 1e-8 * (1 + best));
            Assert.True(gone.Weights.sub(Best(w, hessian, [q])).abs().max().item<double>() < 1e-8);
        });

    [Fact]
    public void One_by_one_it_arrives_at_the_least_of_the_quadratic_and_its_costs_add_up_to_the_loss() =>
        Gen.Select(Gen.Int[2, 7], Small.Seed).Sample((n, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor w, Tensor hessian) = Quadratic(n, seed);
            Elimination gone = Obs.Eliminate(w, hessian, n - 1);
            Assert.True(gone.Weights.sub(Best(w, hessian, gone.Order)).abs().max().item<double>() < 1e-7);
            Assert.Equal(Loss(gone.Weights, w, hessian), gone.Costs.Sum(), 1e-7);
            Assert.All(gone.Order, q => Assert.Equal(0, gone.Weights[q].item<double>()));
        });

    /// <summary>Hassibi and Stork's example, 2-2-1 with biases: trained to a minimum, the Hessian that of the squared error's Gauss–Newton form.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(6)]
    public void On_the_XOR_network_its_step_leaves_less_error_than_taking_any_weight_alone(int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = tensor(new double[,] { { 0, 0, 1 }, { 0, 1, 1 }, { 1, 0, 1 }, { 1, 1, 1 } }), targets = tensor(new double[] { 0, 1, 1, 0 });
        using Generator generator = RandomStream.Of(seed, "xor");
        Parameter weights = new(randn([9], dtype: ScalarType.Float64, generator: generator).mul(2));
        Tensor Outputs(Tensor w)
        {
            Tensor hidden = inputs.matmul(w[..6].reshape(2, 3).t()).sigmoid();
            return cat([hidden, ones(4, 1, ScalarType.Float64)], 1).matmul(w[6..]).sigmoid();
        }

        double Error(Tensor w) => Outputs(w).sub(targets).square().sum().item<double>();
        using (var optimizer = optim.Adam([weights], 0.05))
        {
            for (int step = 0; step < 4000; step++)
            {
                using DisposeScope inner = NewDisposeScope();
                optimizer.zero_grad();
                Outputs(weights).sub(targets).square().sum().backward();
                optimizer.step();
            }
        }

        Assert.True(Error(weights) < 0.01, $"XOR is not learned: {Error(weights)}");
        Tensor jacobian = stack([.. Enumerable.Range(0, 4).Select(i => autograd.grad([Outputs(weights)[i]], [weights])[0])]);
        Tensor trained = weights.detach(), hessian = jacobian.t().matmul(jacobian).add(eye(9, dtype: ScalarType.Float64).mul(1e-4));
        double surgeon = Error(Obs.Eliminate(trained, hessian, 1).Weights);
        double[] alone = [.. Enumerable.Range(0, 9).Select(i =>
        {
            Tensor without = trained.clone();
            without[i].zero_();
            return Error(without);
        })];
        Assert.True(surgeon < alone.Min(), $"surgeon {surgeon}, taking one alone {string.Join(" ", alone)}");
    }

    [Fact]
    public void What_it_cannot_do_is_said_in_one_line()
    {
        (Tensor w, Tensor hessian) = Quadratic(3, 1);
        string Fault(Tensor weights, Tensor by, long count) => Assert.Throws<WorkbookException>(() => Obs.Eliminate(weights, by, count)).Message;
        Assert.Equal("the Hessian is singular: add a damping to its diagonal", Fault(w, zeros_like(hessian), 1));
        Assert.Equal("a weight is NaN or infinite: start from another model", Fault(w.mul(double.NaN), hessian, 1));
        Assert.Equal("of 3 weights from 0 to 3 go, by a Hessian [3, 3]; not 4 by one of [3, 3]", Fault(w, hessian, 4));
    }
}
