using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ModelFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_pruned_model_loads_bit_for_bit_into_one_of_other_weights()
    {
        using LeNet5 model = LeNet5.Classic(1), other = LeNet5.Classic(2);
        new Pruner(Saliency.Magnitude).Prune(model, 0.9).Apply(model);
        string path = _folder.New();
        model.SaveSafeTensors(path, new Dictionary<string, string> { ["seed"] = "1" });
        using (SafeTensorsFile file = SafeTensors.Read(path))
        {
            Assert.Equal(["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight",
                "fc3.bias"], file.Names);
            Assert.Equal("1", file.Metadata["seed"]);
        }

        other.LoadSafeTensors(path);
        Assert.Equal(State(model), State(other));
        Assert.All(other.parameters(), p => Assert.True(p.requires_grad));
    }

    [Fact]
    public void Buffers_travel_too()
    {
        using Sequential model = Normed(), other = Normed();
        using DisposeScope scope = NewDisposeScope();
        model.forward(rand(8, 3));
        string path = _folder.New();
        model.SaveSafeTensors(path);
        other.LoadSafeTensors(path);
        Assert.Contains("norm.running_mean", State(other).Keys);
        Assert.Contains("norm.num_batches_tracked", State(other).Keys);
        Assert.Equal(State(model), State(other));
    }

    [Fact]
    public void What_does_not_fit_is_told_in_one_line_and_the_model_stays()
    {
        using Sequential model = Normed();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> state = new(model.state_dict().Select(s => KeyValuePair.Create(s.Key, zeros_like(s.Value))));
        Dictionary<string, Content> before = State(model);

        void Refused(string name, Tensor? instead, params string[] says)
        {
            string path = _folder.New();
            Dictionary<string, Tensor> changed = new(state);
            changed.Remove(name);
            if (instead is not null)
            {
                changed[name] = instead;
            }

            SafeTensors.Write(path, changed);
            SafeTensorsTests.Fault(() => model.LoadSafeTensors(path), [path, name, .. says]);
            Assert.Equal(before, State(model));
        }

        Refused("norm.bias", null, "lacks");
        Refused("norm.mask", ones(1), "has no");
        Refused("norm.bias", ones(4), "[4]", "[2]");
        Refused("norm.bias", ones(2, ScalarType.Int64), "Int64", "Float32");
        Refused("norm.num_batches_tracked", ones(2, ScalarType.Int64), "[2]", "[]");
        Refused("norm.running_mean", null, "lacks");
        string absent = _folder.New();
        SafeTensorsTests.Fault(() => model.LoadSafeTensors(absent), absent);
    }

    public static TheoryData<string> Counters => ["none", "float16", "float64", "bfloat16", "int32", "uint8", "[1]", "[1] of float32"];

    [Theory]
    [MemberData(nameof(Counters))]
    public void Batch_norms_of_old_and_converted_files_load_as_in_PyTorch(string counter)
    {
        using Sequential saved = Normed(), model = Normed();
        using DisposeScope scope = NewDisposeScope();
        Array.ForEach([1, 2, 3], _ => saved.forward(rand(8, 3)));
        model.forward(rand(8, 3));
        Dictionary<string, Tensor> state = saved.state_dict();
        Tensor count = state["norm.num_batches_tracked"];
        state.Remove("norm.num_batches_tracked");
        if (counter != "none")
        {
            state["norm.num_batches_tracked"] = counter switch
            {
                "float16" => count.to(ScalarType.Float16),
                "float64" => count.to(ScalarType.Float64),
                "bfloat16" => count.to(ScalarType.BFloat16),
                "int32" => count.to(ScalarType.Int32),
                "uint8" => count.to(ScalarType.Byte),
                "[1]" => count.reshape(1),
                _ => count.to(ScalarType.Float32).reshape(1),
            };
        }

        string path = _folder.New();
        SafeTensors.Write(path, state);
        model.LoadSafeTensors(path);
        Tensor loaded = model.state_dict()["norm.num_batches_tracked"];
        Assert.Equal((counter == "none" ? 1 : 3, ScalarType.Int64, 0), (loaded.item<long>(), loaded.dtype, loaded.dim()));
        Assert.True(model.state_dict()["norm.running_mean"].Equals(saved.state_dict()["norm.running_mean"]));
    }

    [Theory]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NaN)]
    [InlineData(2.5)]
    [InlineData(9223372036854775808.0)]
    public void A_counter_that_would_become_another_number_is_refused_and_the_model_stays(double count)
    {
        using Sequential model = Normed();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> state = new(model.state_dict().Select(s => KeyValuePair.Create(s.Key, zeros_like(s.Value))));
        state["norm.num_batches_tracked"] = tensor(count);
        Dictionary<string, Content> before = State(model);
        string path = _folder.New();
        SafeTensors.Write(path, state);
        SafeTensorsTests.Fault(() => model.LoadSafeTensors(path), path, "norm.num_batches_tracked", "Int64");
        Assert.Equal(before, State(model));
    }

    [Fact]
    public void A_mask_comes_back_equal_also_from_floats_as_PyTorch_keeps_them()
    {
        using LeNet5 model = LeNet5.Classic(1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(model, 0.9);
        string path = _folder.New();
        mask.Save(path);
        Assert.Equal(mask, Mask.Load(path));

        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Write(path, mask.Select(m => KeyValuePair.Create(m.Key, m.Value.to(ScalarType.Float32))));
        Assert.Equal(mask, Mask.Load(path));
    }

    [Fact]
    public void A_file_of_weights_is_no_mask_and_a_mask_of_another_model_is_refused_with_its_shapes()
    {
        using LeNet5 model = LeNet5.Classic(1), wide = LeNet5.Wide(1);
        string path = _folder.New();
        model.SaveSafeTensors(path);
        SafeTensorsTests.Fault(() => Mask.Load(path), path, "0 and 1");
        Mask.Full(model).Save(path);
        Mask mask = Mask.Load(path);
        SafeTensorsTests.Fault(() => mask.Apply(wide), "[6, 1, 5, 5]", "[20, 1, 5, 5]");
    }

    [Fact]
    public void A_masked_model_clones_and_training_the_clone_leaves_the_original_alone()
    {
        using Sequential model = Small.Net([6, 5, 3], 1), clone = Small.Net([6, 5, 3], 2);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(model, 0.5);
        using BoundMask kept = mask.Bind(model);
        using optim.Optimizer optimizer = optim.SGD(model.parameters(), 0.1, momentum: 0.9);
        Step(model, kept, optimizer);

        // A mask is no part of the model, so nothing stands in the way of the plain copy.
        clone.load_state_dict(model.state_dict());
        Dictionary<string, Content> before = State(model);
        Assert.Equal(before, State(clone));

        using BoundMask cloneKept = mask.Bind(clone);
        using optim.Optimizer cloneOptimizer = optim.SGD(clone.parameters(), 0.1, momentum: 0.9);
        Step(clone, cloneKept, cloneOptimizer);
        Step(clone, cloneKept, cloneOptimizer);
        Assert.Equal(before, State(model));
        Assert.NotEqual(before, State(clone));
        foreach ((string name, Tensor left) in mask)
        {
            Assert.All(clone.get_parameter(name)!.data<float>().ToArray().Zip(left.data<bool>().ToArray()), w => Assert.True(w.Second || w.First == 0));
        }
    }

    private static void Step(Sequential net, BoundMask kept, optim.Optimizer optimizer)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(7);
        net.zero_grad();
        nn.functional.cross_entropy(net.forward(rand(16, 6, generator: generator)), arange(16, ScalarType.Int64).remainder(3)).backward();
        kept.Step(optimizer);
    }

    private static Sequential Normed() => nn.Sequential(("fc", (nn.Module<Tensor, Tensor>)nn.Linear(3, 2)), ("norm", nn.BatchNorm1d(2)));

    private static Dictionary<string, Content> State(nn.Module model)
    {
        using IDisposable noGrad = no_grad();
        return model.state_dict().ToDictionary(s => s.Key, s => Content.Of(s.Value));
    }
}
