using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class HessianTests : IDisposable
{
    private const int Classes = 3, Inputs = 5, Count = 40;
    private readonly LabelledTensors _batch;

    public HessianTests()
    {
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "data");
        _batch = new(randn([Count, Inputs], generator: generator).to(ScalarType.Float64), randint(0, Classes, [Count], generator: generator));
    }

    public void Dispose() => _batch.Dispose();

    /// <summary>Softmax regression without bias: the Hessian is the mean of (diag(p) − ppᵀ) ⊗ xxᵀ, whose rank is 10 of 15.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 15)]
    [InlineData(0.5, 4)]
    public void Softmax_regression_has_the_eigenvalues_of_its_closed_form(double sparsity, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Initializer.HeNormal.Apply(nn.Sequential(("out", nn.Linear(Inputs, Classes, hasBias: false, dtype: ScalarType.Float64))), 1);
        Mask mask = new Pruner(Saliency.Random(2)).Prune(net, sparsity);
        mask.Apply(net);
        using IDisposable noGrad = no_grad();
        Tensor p = net.forward(_batch.Inputs).softmax(1);
        Tensor hessian = zeros(Classes * Inputs, Classes * Inputs, dtype: ScalarType.Float64);
        for (int i = 0; i < Count; i++)
        {
            hessian.add_(kron(diag(p[i]).sub(outer(p[i], p[i])), outer(_batch.Inputs[i], _batch.Inputs[i])).div(Count));
        }

        AssertSame(hessian, mask["out.weight"].flatten(), count, () => Hessian.LargestEigenvalues(net, _batch, count, mask, tolerance: 1e-9));
    }

    /// <summary>Two layers and a smooth activation: the Hessian by central differences of the gradient; it has negative eigenvalues too.</summary>
    [Fact]
    public void A_network_has_the_eigenvalues_of_its_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential net = Initializer.GlorotNormal.Apply(nn.Sequential(
            ("0", nn.Linear(Inputs, 4, dtype: ScalarType.Float64)), ("tanh", nn.Tanh()), ("1", nn.Linear(4, Classes, dtype: ScalarType.Float64))), 1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 0.4);
        mask.Apply(net);
        Parameter[] parameters = [.. net.parameters()];
        List<Tensor> rows = [];
        foreach (Parameter parameter in parameters)
        {
            for (long i = 0; i < parameter.numel(); i++)
            {
                rows.Add(Moved(parameter, i, 1e-5).sub(Moved(parameter, i, -1e-5)).div(2e-5));
            }
        }

        Tensor left = cat([.. net.named_parameters()
            .Select(p => (mask.TryGetValue(p.name, out Tensor? kept) ? kept : ones_like(p.parameter).to(ScalarType.Bool)).flatten())]);
        AssertSame(stack(rows), left, 6, () => Hessian.LargestEigenvalues(net, _batch, 6, mask, tolerance: 1e-8));

        Tensor Moved(Parameter parameter, long index, double by)
        {
            using (no_grad())
            {
                parameter.view(-1)[index].add_(by);
            }

            net.zero_grad();
            nn.functional.cross_entropy(net.forward(_batch.Inputs), _batch.Labels).backward();
            using (no_grad())
            {
                parameter.view(-1)[index].sub_(by);
            }

            return cat([.. parameters.Select(p => p.grad!.flatten().clone())]);
        }
    }

    [Fact]
    public void Single_precision_and_large_networks_converge_in_few_steps()
    {
        using DisposeScope scope = NewDisposeScope();
        using LabelledTensors single = new(_batch.Inputs.to(ScalarType.Float32), _batch.Labels.clone());
        using Sequential net = Initializer.HeNormal.Apply(nn.Sequential(("0", nn.Linear(Inputs, 200)), ("relu", nn.ReLU()), ("1", nn.Linear(200, Classes))), 1);
        IReadOnlyList<double> one = Hessian.LargestEigenvalues(net, single, 3);
        net.to(ScalarType.Float64);
        IReadOnlyList<double> two = Hessian.LargestEigenvalues(net, _batch, 3, tolerance: 1e-9);
        Assert.All(one.Zip(two), pair => Assert.Equal(pair.Second, pair.First, 1e-3 * two[0]));
        Assert.True(one[0] > one[1] && one[1] > one[2]);
    }

    /// <summary>Softmax regression at weights of 0, whose examples lie along the axes: (I − 11ᵀ/3)/3 ⊗ diag(5, 3, 0, 0, 0), of eigenvalues 5/3, 5/3, 1, 1 and
    /// zeros.</summary>
    [Theory]
    [InlineData(ScalarType.Float64, 1e-9)]
    [InlineData(ScalarType.Float32, 1e-4)]
    public void Eigenvalues_that_occur_twice_are_found_twice(ScalarType dtype, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear net = nn.Linear(Inputs, Classes, hasBias: false, dtype: dtype);
        nn.init.zeros_(net.weight!);
        LabelledTensors batch = new(diag(tensor(new double[] { 25, 15, 0, 0, 0 }).sqrt()).to(dtype), zeros(Inputs, ScalarType.Int64));
        Assert.All(Hessian.LargestEigenvalues(net, batch, 3, tolerance: tolerance).Zip([5 / 3.0, 5 / 3.0, 1]), pair =>
            Assert.Equal(pair.Second, pair.First, 10 * tolerance));
        Assert.All(Hessian.LargestEigenvalues(net, batch, 15, tolerance: tolerance).Zip([5 / 3.0, 5 / 3.0, 1, 1, 0, 0]), pair =>
            Assert.Equal(pair.Second, pair.First, 10 * tolerance));
    }

    [Fact]
    public void What_cannot_be_had_is_said()
    {
        using Sequential net = Initializer.HeNormal.Apply(nn.Sequential(("out", nn.Linear(Inputs, Classes, dtype: ScalarType.Float64))), 1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(net, 1);
        Assert.Contains("from 1 to 3 eigenvalues", Assert.Throws<WorkbookException>(() => Hessian.LargestEigenvalues(net, _batch, 4, mask)).Message);
        Assert.Contains("from 1 to 18 eigenvalues", Assert.Throws<WorkbookException>(() => Hessian.LargestEigenvalues(net, _batch, 0)).Message);
        Assert.Contains("allow more steps", Assert.Throws<WorkbookException>(() =>
            Hessian.LargestEigenvalues(net, _batch, 2, tolerance: 1e-9, steps: 3)).Message);
    }

    private static void AssertSame(Tensor hessian, Tensor left, int count, Func<IReadOnlyList<double>> found)
    {
        Tensor places = left.nonzero().flatten();
        double[] expected = [.. linalg.eigvalsh(hessian.index_select(0, places).index_select(1, places)).data<double>().ToArray().Reverse().Take(count)];
        Assert.All(expected.Zip(found()), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
        Assert.Equal(count, expected.Length);
    }
}
