using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The weights of a residual network (He et al. 2016) from an ONNX file whose names say nothing, e.g. ResNet18.onnx of Microsoft.ML.DnnImageFeaturizer: each is
/// found by how the operations hang together. Batch norms have to be there as such, not folded into the convolutions before them.
/// </summary>
public static class ResNetWeights
{
    private static readonly string[] s_normParts = ["weight", "bias", "running_mean", "running_var"];

    /// <summary>Copies a file's convolutions and norms into a network with PyTorch's names (<c>layer1.0.conv1.weight</c>), e.g. TorchVision's.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="network">A network of that make, in place; its last layer <c>fc</c> stays as it is, since files that give features have none.</param>
    /// <exception cref="WorkbookException">It is no sound ONNX file, its graph is no residual network's, or the network has other tensors.</exception>
    public static void Load(string path, nn.Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        OnnxFile file = OnnxFile.Read(path);
        Dictionary<string, string> named = new Graph(path, file).Named();
        using IDisposable noGrad = no_grad();
        Dictionary<string, Tensor> state = network.state_dict();
        if (state.Keys.FirstOrDefault(n => !n.StartsWith("fc.", StringComparison.Ordinal) && !n.EndsWith("num_batches_tracked", StringComparison.Ordinal)
            && !named.ContainsKey(n)) is { } missing)
        {
            throw new WorkbookException($"{path} has nothing for the network's {SafeTensorsFault.Quoted(missing)}: take a network of the file's make");
        }

        foreach ((string name, string initializer) in named)
        {
            if (!state.TryGetValue(name, out Tensor? into) || !into.shape.SequenceEqual(file.ShapeOf(initializer)))
            {
                throw new WorkbookException($"{path} has {SafeTensorsFault.Quoted(name)} {SafeTensorsFault.Shape([.. file.ShapeOf(initializer)])}, the network "
                    + $"{(into is null ? "has not" : SafeTensorsFault.Shape(into.shape))}: take a network of the file's make");
            }

            using Tensor loaded = file.Load(initializer);
            into.copy_(loaded);
        }
    }

    /// <summary>The graph, walked against its direction.</summary>
    private sealed class Graph(string path, OnnxFile file)
    {
        private readonly Dictionary<string, OnnxNode> _makers = file.Nodes.Where(n => n.Outputs.Count > 0).ToDictionary(n => n.Outputs[0]);
        private readonly Dictionary<string, OnnxNode> _norms = file.Nodes.Where(n => n.OpType == "BatchNormalization" && n.Inputs.Count == 5)
            .DistinctBy(n => n.Inputs[0]).ToDictionary(n => n.Inputs[0]);

        /// <summary>PyTorch's name → initializer.</summary>
        internal Dictionary<string, string> Named()
        {
            Dictionary<string, string> named = [];
            OnnxNode pool = file.Nodes.FirstOrDefault(n => n.OpType == "MaxPool") ?? throw Odd("it has no max-pooling behind its first convolution");
            Give(Convolutions(pool.Inputs[0], null), "", named);
            (string at, int stage, int block) = (pool.Outputs[0], 1, 0);
            foreach (OnnxNode sum in file.Nodes.Where(n => n.OpType == "Add" && n.Inputs.Count == 2))
            {
                OnnxNode[][] branches = [.. sum.Inputs.Select(i => Convolutions(i, at)).OrderBy(b => b.Length)];
                if (branches[0].Length > 1 || branches[1].Length < 2)
                {
                    throw Odd($"a sum has {branches[0].Length} and {branches[1].Length} convolutions before it");
                }

                (stage, block) = branches[0].Length == 1 && named.ContainsKey("layer1.0.conv1.weight") ? (stage + 1, 0) : (stage, block);
                Give(branches[1], $"layer{stage}.{block}.", named);
                Give(branches[0], $"layer{stage}.{block}.downsample.", named);
                at = file.Nodes.FirstOrDefault(n => n.OpType == "Relu" && n.Outputs.Count == 1 && n.Inputs.Contains(sum.Outputs[0]))?.Outputs[0]
                    ?? throw Odd("a sum has no ReLU behind it");
                block++;
            }

            return named;
        }

        /// <summary>From a value back to another, or to the graph's input: the convolutions between, the first executed first.</summary>
        private OnnxNode[] Convolutions(string from, string? to)
        {
            List<OnnxNode> found = [];
            for (string at = from; at != to && _makers.TryGetValue(at, out OnnxNode? maker) && found.Count < 4; at = maker.Inputs[0])
            {
                if (maker.OpType == "Conv")
                {
                    found.Add(maker.Inputs.Count == 2 && _norms.ContainsKey(maker.Outputs[0]) ? maker
                        : throw Odd("a convolution has a bias, or no batch norm behind it: perhaps they are folded"));
                }
                else if (maker.OpType is not ("BatchNormalization" or "Relu") || maker.Inputs.Count == 0)
                {
                    throw Odd($"a {SafeTensorsFault.Short(maker.OpType, 40)} is between its convolutions");
                }
            }

            found.Reverse();
            return [.. found];
        }

        private void Give(OnnxNode[] convolutions, string prefix, Dictionary<string, string> named)
        {
            bool isShortcut = prefix.EndsWith("downsample.", StringComparison.Ordinal);
            foreach ((int i, OnnxNode convolution) in convolutions.Index())
            {
                (string kernel, string norm) = isShortcut ? ("0", "1") : ($"conv{i + 1}", $"bn{i + 1}");
                named[$"{prefix}{kernel}.weight"] = convolution.Inputs[1];
                foreach ((string part, string initializer) in s_normParts.Zip(_norms[convolution.Outputs[0]].Inputs.Skip(1)))
                {
                    named[$"{prefix}{norm}.{part}"] = initializer;
                }
            }
        }

        private WorkbookException Odd(string why) => new($"{path} is no residual network as PyTorch has them: {why}; name the ONNX file of one");
    }
}
