using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using static Workbook.Sparse;

namespace Workbook.Tests;

public sealed class ConvertTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static Mask Prune(nn.Module model, double sparsity, int seed = 1) => new Pruner(Saliency.Random(seed)).Prune(model, sparsity);

    [Fact]
    public void A_network_computes_the_same_after_conversion_and_back()
    {
        using LeNet300100 net = new(1);
        Mask mask = Prune(net, 0.9);
        string[] names = [.. net.state_dict().Keys];
        Tensor input = Layers.Random(1, "input", 7, 784);
        Conversion conversion = Convert(net, mask, fromSparsity: 0);
        Assert.Equal(["fc1: 90.0 % pruned, sparse", "fc2: 90.0 % pruned, sparse", "fc3: 90.0 % pruned, sparse"], conversion.ToString().Split('\n'));
        Assert.Empty(conversion.Remaining);
        Assert.Equal(mask.Kept + 410, net.parameters().Sum(p => p.numel()));
        Tensor sparse = net.forward(input);
        Assert.Equal(mask, ToDense(net));
        Assert.Equal(names, net.state_dict().Keys);
        Layers.AssertClose(net.forward(input), sparse);
    }

    [Fact]
    public void What_stays_dense_is_said_and_pruned_by_the_mask_that_remains()
    {
        using LeNet5 net = LeNet5.Classic(1);
        Mask mask = Prune(net, 0.5).Intersect(new Mask([KeyValuePair.Create("fc1.weight", Layers.Random(1, "mask", 120, 256) > 1.5)]));
        Conversion conversion = Convert(net, mask, fromSparsity: 0.6);
        Assert.Equal(["conv1", "conv2", "fc1", "fc2", "fc3"], conversion.Layers.Select(l => l.Name));
        Assert.Equal(
            ["the field conv2 of LeNet5 is declared as Conv2d: declare it as nn.Module<Tensor, Tensor>", null, "it is less sparse than asked for"],
            conversion.Layers.Skip(1).Take(3).Select(l => l.StaysDense));
        Assert.Equal(["conv1.weight", "conv2.weight", "fc2.weight", "fc3.weight"], conversion.Remaining.Keys);
        Assert.Equal(mask.KeptOf("conv1.weight"), net.get_parameter("conv1.weight")!.count_nonzero().item<long>());
        conversion.Remaining.Bind(net).Dispose();
    }

    [Fact]
    public void Biases_that_the_mask_prunes_are_zero_in_sparse_layers_too()
    {
        using LeNet300100 net = new(1);
        using (no_grad())
        {
            net.get_parameter("fc1.bias")!.fill_(1);
        }

        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer().Including("fc1.bias") }.Prune(net, 0.9);
        Conversion conversion = Convert(net, mask, fromSparsity: 0.5);
        Assert.Equal(["fc1.bias"], conversion.Remaining.Keys);
        Assert.Equal("fc1.bias: 90.0 % pruned, stays dense: only linear layers and convolutions within a model can be sparse", conversion.Layers[0].ToString());
        Assert.Equal(mask.KeptOf("fc1.bias"), net.get_parameter("fc1.bias")!.count_nonzero().item<long>());
        using LabelledTensors data = new(Layers.Random(1, "x", 64, 784), zeros(64, ScalarType.Int64));
        Trainer.Train(net, data, new Recipe { Epochs = 3, BatchSize = 32, LearningRate = 0.01 }, 1, conversion.Remaining);
        Assert.Equal(0, net.get_parameter("fc1.bias")!.masked_select(mask["fc1.bias"].logical_not()).count_nonzero().item<long>());
    }

    [Fact]
    public void Without_a_sparsity_each_layer_is_measured()
    {
        using Sequential net = nn.Sequential(("a", nn.Linear(700, 300)), ("inner", nn.Sequential(("relu", nn.ReLU()), ("b", nn.Linear(300, 200)))));
        Mask mask = new([KeyValuePair.Create("a.weight", Layers.Random(1, "a", 300, 700) > 3.2), KeyValuePair.Create("inner.b.weight", ones(200, 300))]);
        Conversion conversion = Convert(net, mask);
        Assert.All(conversion.Layers, layer => Assert.Equal(layer.Speedup > 1, layer.StaysDense is null));
        Assert.Equal(["a", "inner.b"], conversion.Layers.Select(l => l.Name));
        Assert.IsType<SparseLinear>(net.named_modules().First(m => m.name == "a").module);
    }

    private sealed class Declared : nn.Module<Tensor, Tensor>
    {
        private readonly Linear fc = nn.Linear(3, 2);

        internal Declared()
            : base(nameof(Declared)) => RegisterComponents();

        public override Tensor forward(Tensor input) => fc.forward(input);
    }

    [Fact]
    public void A_layer_whose_field_takes_no_other_stays_and_says_how_to_mend_it()
    {
        using Declared net = new();
        Conversion conversion = Convert(net, Prune(net, 0.5));
        Assert.Equal("the field fc of Declared is declared as Linear: declare it as nn.Module<Tensor, Tensor>", conversion.Layers[0].StaysDense);
        Assert.Single(conversion.Remaining);
    }

    private sealed class DeclaredSparse : nn.Module<Tensor, Tensor>
    {
        private readonly SparseLinear fc = Layers.New(3, 2, 0.5, 1).Sparse;

        internal DeclaredSparse()
            : base(nameof(DeclaredSparse)) => RegisterComponents();

        public override Tensor forward(Tensor input) => fc.forward(input);
    }

    [Fact]
    public void A_layer_whose_field_takes_sparse_ones_alone_can_not_become_dense()
    {
        using Sequential net = nn.Sequential(("a", new DeclaredSparse()));
        Assert.Contains("a.fc can't become dense: the field fc of DeclaredSparse is declared as SparseLinear",
            Assert.Throws<WorkbookException>(() => ToDense(net)).Message);
    }

    [Fact]
    public void A_layer_in_two_places_stays_one()
    {
        using Linear shared = nn.Linear(4, 4);
        using Sequential net = nn.Sequential(("a", shared), ("b", nn.ReLU()), ("c", shared));
        Mask mask = new([KeyValuePair.Create("a.weight", Layers.Random(1, "mask", 4, 4) > 0)]);
        Tensor input = Layers.Random(1, "input", 3, 4);
        Convert(net, mask, fromSparsity: 0);
        Tensor sparse = net.forward(input);
        Assert.Same(net[0], net[2]);
        Assert.Equal(mask, ToDense(net));
        Assert.Same(net[0], net[2]);
        Layers.AssertClose(net.forward(input), sparse);
    }

    private sealed class Sharing : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> open;
        private readonly Linear closed;

        internal Sharing(Linear shared)
            : base(nameof(Sharing))
        {
            (open, closed) = (shared, shared);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => closed.forward(open.forward(input));
    }

    [Fact]
    public void A_layer_that_one_of_its_places_can_not_give_up_stays_dense_in_all()
    {
        using Linear shared = nn.Linear(4, 4);
        using Sharing net = new(shared);
        string parameter = net.named_parameters().First(p => p.parameter.dim() == 2).name;
        Conversion conversion = Convert(net, new([KeyValuePair.Create(parameter, Layers.Random(1, "mask", 4, 4) > 0)]), fromSparsity: 0);
        Assert.Equal("the field closed of Sharing is declared as Linear: declare it as nn.Module<Tensor, Tensor>", conversion.Layers[0].StaysDense);
        Assert.All(net.named_children(), child => Assert.Same(shared, child.module));
        Assert.Single(conversion.Remaining);
    }

    [Fact]
    public void Numbers_that_are_none_of_examples_threads_and_sparsities_are_refused()
    {
        using LeNet300100 net = new(1);
        Mask mask = Prune(net, 0.9);
        float[] before = net.get_parameter("fc1.weight")!.data<float>().ToArray();
        Assert.Contains("not 0", Assert.Throws<WorkbookException>(() => Convert(net, mask, batch: 0)).Message);
        Assert.Contains("not 0", Assert.Throws<WorkbookException>(() => Convert(net, mask, threads: 0)).Message);
        Assert.Contains("not 95", Assert.Throws<WorkbookException>(() => Convert(net, mask, fromSparsity: 95)).Message);
        Assert.Contains("not 0", Assert.Throws<WorkbookException>(() => new SparseLinear(nn.Linear(2, 2), ones(2, 2), threads: 0)).Message);
        Assert.Contains("not 0", Assert.Throws<WorkbookException>(() => Load(net, _folder.New(), threads: 0)).Message);
        Assert.Equal(before, net.get_parameter("fc1.weight")!.data<float>().ToArray());
    }

    [Fact]
    public void A_mask_that_does_not_fit_leaves_the_model_alone()
    {
        using LeNet300100 net = new(1);
        float[] before = net.get_parameter("fc1.weight")!.data<float>().ToArray();
        foreach (Mask mask in new[] { Prune(LeNet5.Classic(1), 0.5), new Mask([KeyValuePair.Create("fc1.weight", ones(3, 4))]),
            new Mask([KeyValuePair.Create("fc9.weight", ones(3, 4))]) })
        {
            Assert.DoesNotContain('\n', Assert.Throws<WorkbookException>(() => Convert(net, mask, fromSparsity: 0)).Message);
            Assert.Equal(before, net.get_parameter("fc1.weight")!.data<float>().ToArray());
        }
    }

    [Fact]
    public void Compressed_files_load_into_dense_models_and_into_sparse_ones_of_another_mask()
    {
        using LeNet300100 net = new(1), dense = new(2), other = new(3);
        Mask mask = Prune(net, 0.95);
        Convert(net, mask, fromSparsity: 0);
        string path = _folder.New();
        net.SaveSafeTensors(path);
        Assert.InRange(new FileInfo(path).Length, 0, 120_000); // of 1,066,440 dense
        Tensor input = Layers.Random(1, "input", 7, 784), expected = net.forward(input);
        Load(dense, path);
        Assert.Equal(expected.data<float>().ToArray(), dense.forward(input).data<float>().ToArray());

        // As many weights a layer, in other places.
        Convert(other, Prune(other, 0.95, seed: 2), fromSparsity: 0);
        other.forward(input);
        other.LoadSafeTensors(path);
        Assert.Equal(expected.data<float>().ToArray(), other.forward(input).data<float>().ToArray());
        Assert.Equal(mask, ToDense(other));
    }

    [Fact]
    public void A_layer_in_two_places_is_sparse_in_both_when_it_is_loaded()
    {
        using nn.Module<Tensor, Tensor> net = Twice(), dense = Twice();
        Convert(net, Prune(net, 0.9), fromSparsity: 0);
        string path = _folder.New();
        net.SaveSafeTensors(path);
        Load(dense, path);
        Tensor input = Layers.Random(1, "input", 7, 12);
        Assert.Equal(net.forward(input).data<float>().ToArray(), dense.forward(input).data<float>().ToArray());

        static nn.Module<Tensor, Tensor> Twice()
        {
            nn.Module<Tensor, Tensor> layer = nn.Linear(12, 12);
            return nn.Sequential(layer, nn.ReLU(), nn.Sequential(layer), nn.Linear(12, 3));
        }
    }

    [Fact]
    public void Positions_that_are_none_are_refused()
    {
        SparseLinear layer = Layers.New(6, 4, 0.5, 1).Sparse;
        Tensor input = ones(2, 6);
        layer.forward(input);
        layer.state_dict()["col_indices"].fill_(1_000_000);
        WorkbookException e = Assert.Throws<WorkbookException>(() => layer.forward(input));
        Assert.Contains("not the positions of weights in 4 rows of 6", e.Message);
        Assert.Throws<WorkbookException>(() => layer.forward(input));
    }

    [Fact]
    public void A_file_that_does_not_fit_leaves_the_model_dense()
    {
        using LeNet300100 net = new(1), dense = new(2);
        Convert(net, Prune(net, 0.95), fromSparsity: 0);
        Dictionary<string, Tensor> state = net.state_dict();
        state.Remove("fc3.bias");
        string path = _folder.New();
        SafeTensors.Write(path, state);
        string[] names = [.. dense.state_dict().Keys];
        Assert.Contains("fc3.bias", Assert.Throws<WorkbookException>(() => Load(dense, path)).Message);
        Assert.Equal(names, dense.state_dict().Keys);
    }

    [Fact]
    public void A_file_of_a_layer_with_other_outputs_is_refused_by_name()
    {
        using Sequential net = nn.Sequential(("a", nn.Linear(6, 4))), wider = nn.Sequential(("a", nn.Linear(6, 9)));
        Convert(wider, Prune(wider, 0.5), fromSparsity: 0);
        string path = _folder.New();
        wider.SaveSafeTensors(path);
        Assert.Contains("a has 9 outputs in", Assert.Throws<WorkbookException>(() => Load(net, path)).Message);
        Assert.IsType<Linear>(net[0]);
    }

    private sealed class Failing : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> a = nn.Linear(6, 4);

        internal Failing()
            : base(nameof(Failing)) => RegisterComponents();

        public override Tensor forward(Tensor input) => a.forward(input);

        public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
            throw new IOException("no state");
    }

    [Fact]
    public void Whatever_fails_when_loading_leaves_the_model_dense()
    {
        using Failing net = new();
        using Sequential other = nn.Sequential(("a", nn.Linear(6, 4)));
        Convert(other, Prune(other, 0.5), fromSparsity: 0);
        string path = _folder.New();
        other.SaveSafeTensors(path);
        Assert.Throws<IOException>(() => Load(net, path));
        Assert.IsType<Linear>(net.named_children().Single().module);
    }
}
