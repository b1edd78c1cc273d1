using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Workbook.Tests;

/// <summary>ResNet-18 from the file of others into TorchVision's, where it is here: <c>workbook data fetch resnet18</c>.</summary>
public sealed class ResNetWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    [Fact]
    public void The_network_gives_the_features_that_ONNX_Runtime_gives()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        PretrainedModel? model = PretrainedModels.Find("resnet18");
        Assert.SkipWhen(model is null, "ResNet-18 is not on this machine: workbook data fetch resnet18");
        Assert.Null(model.Vocabulary);
        nn.Module<Tensor, Tensor> network = PretrainedNets.ResNet18Features(model.Weights);
        Tensor images = PretrainedNets.Images(2);
        Tensor ours = network.call(images);
        Assert.Equal([2, 512], ours.shape);

        using InferenceSession session = new(model.Weights);
        for (int i = 0; i < images.shape[0]; i++)
        {
            // The file takes one image at a time.
            NamedOnnxValue input = NamedOnnxValue.CreateFromTensor(session.InputMetadata.Keys.Single(),
                new DenseTensor<float>(images[i].contiguous().data<float>().ToArray().AsMemory(), [1, 3, 224, 224]));
            using var answers = session.Run([input]);
            Tensor theirs = from_array(answers[0].AsTensor<float>().ToArray());
            Assert.InRange(ours[i].sub(theirs).abs().max().item<float>() / theirs.abs().max().item<float>(), 0, 1e-4f);
        }
    }

    [Fact]
    public void Weights_are_found_by_what_the_graph_does_with_them_and_come_back()
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(1);
        nn.Module<Tensor, Tensor> written = torchvision.models.resnet18(), read = torchvision.models.resnet18();
        Write(written, "own.onnx");
        ResNetWeights.Load(PathOf("own.onnx"), read);
        Dictionary<string, Tensor> now = read.state_dict();
        Assert.All(written.state_dict().Where(s => !s.Key.StartsWith("fc.", StringComparison.Ordinal) && s.Value.is_floating_point()),
            s => Assert.True(s.Value.equal(now[s.Key]).all().item<bool>(), s.Key));
    }

    [Fact]
    public void A_file_of_another_make_is_refused_in_one_line()
    {
        using DisposeScope scope = NewDisposeScope();
        Write(torchvision.models.resnet18(), "own.onnx");
        File.WriteAllBytes(PathOf("folded.onnx"), new OnnxWriter().Raw("w", ones(4, 3, 3, 3)).Raw("b", ones(4)).Node("Conv", ["x", "w", "b"], "c")
            .Node("Relu", ["c"], "r").Node("MaxPool", ["r"], "p").ToBytes());
        File.WriteAllBytes(PathOf("linear.onnx"), new OnnxWriter().Raw("w", ones(4, 3)).Node("MatMul", ["x", "w"], "y").ToBytes());
        foreach ((string file, nn.Module network, string why) in new (string, nn.Module, string)[]
        {
            ("folded.onnx", torchvision.models.resnet18(), "perhaps they are folded"),
            ("linear.onnx", torchvision.models.resnet18(), "no max-pooling"),
            ("own.onnx", torchvision.models.resnet34(), "has nothing for the network's 'layer1.2.conv1.weight'"),
            ("own.onnx", LeNet5.Classic(1), "has nothing for the network's"),
        })
        {
            string message = Assert.Throws<WorkbookException>(() => ResNetWeights.Load(PathOf(file), network)).Message;
            Assert.Contains(why, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    /// <summary>As CNTK writes it: no name says anything, and a block's shortcut comes before its branch.</summary>
    private void Write(nn.Module network, string name)
    {
        OnnxWriter writer = new();
        Dictionary<string, Tensor> state = network.state_dict();
        int count = 0;
        string Add(Tensor tensor)
        {
            writer.Raw($"Parameter{++count}", tensor);
            return $"Parameter{count}";
        }

        string Convolution(string from, string kernel, string norm)
        {
            string product = $"Convolution{++count}", normed = $"BatchNormalization{count}";
            writer.Node("Conv", [from, Add(state[kernel + ".weight"])], product);
            string[] parts = [.. new[] { "weight", "bias", "running_mean", "running_var" }.Select(part => Add(state[$"{norm}.{part}"]))];
            writer.Node("BatchNormalization", [product, .. parts], normed);
            return normed;
        }

        string Relu(string from)
        {
            writer.Node("Relu", [from], $"ReLU{++count}");
            return $"ReLU{count}";
        }

        string stem = Relu(Convolution("Input", "conv1", "bn1")), at = "Pooling";
        writer.Node("MaxPool", [stem], at);
        foreach (string block in Enumerable.Range(1, 4).SelectMany(stage => new[] { $"layer{stage}.0", $"layer{stage}.1" }))
        {
            string shortcut = state.ContainsKey($"{block}.downsample.0.weight") ? Convolution(at, $"{block}.downsample.0", $"{block}.downsample.1") : at;
            string branch = Convolution(Relu(Convolution(at, $"{block}.conv1", $"{block}.bn1")), $"{block}.conv2", $"{block}.bn2");
            writer.Node("Add", [branch, shortcut], $"Plus{++count}");
            at = Relu($"Plus{count}");
        }

        File.WriteAllBytes(PathOf(name), writer.ToBytes());
    }
}
