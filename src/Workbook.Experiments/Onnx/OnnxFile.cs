using Google.Protobuf;
using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The weights of an ONNX file (https://onnx.ai/onnx/repo-docs/IR.html) and what the graph does with them. Nothing is executed, and attributes of nodes are not
/// read.
/// </summary>
public sealed class OnnxFile
{
    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly OrderedDictionary<string, OnnxTensor> _initializers = [];
    private readonly List<OnnxNode> _nodes = [];

    private OnnxFile(string path, byte[] bytes)
    {
        (_path, _bytes) = (path, bytes);
        foreach (ProtoField field in ProtoFields.Of(bytes, 0, bytes.Length).Where(f => f.Number == 7 && f.IsBytes))
        {
            ReadGraph(field);
        }
    }

    /// <summary>The operations, in the order of the file.</summary>
    public IReadOnlyList<OnnxNode> Nodes => _nodes;

    /// <summary>The initializers' names, in the order of the file: exporters leave many of them without a meaning.</summary>
    public IReadOnlyCollection<string> Names => _initializers.Keys;

    /// <summary>Reads a file and checks it; the data stays in memory as long as the object.</summary>
    /// <param name="path">The file, below 2 GB as the format demands.</param>
    /// <exception cref="WorkbookException">
    /// There is no such file, it can't be read or is none, is cut short, has no weights or the same name twice, or keeps its data in other files.
    /// </exception>
    public static OnnxFile Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            FileKind.RequireFile(Path.GetFullPath(path), "read");
            OnnxFile file = File.Exists(path) ? new(path, File.ReadAllBytes(path)) : throw new WorkbookException($"can't read {path}: there is no such file");
            return file._initializers.Count > 0 ? file
                : throw new WorkbookException($"{path} is no ONNX file with weights: it has {file._nodes.Count} nodes and no initializers");
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException or EndOfStreamException)
        {
            throw new WorkbookException($"{path} is not a sound ONNX file (no ONNX file, or cut short): write or fetch it again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new WorkbookException($"can't read {path}: {e.Message}", e);
        }
    }

    /// <summary>The sizes of an initializer.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="WorkbookException">There is none of that name.</exception>
    public IReadOnlyList<long> ShapeOf(string name) => Find(name).Shape;

    /// <summary>Copies an initializer into a tensor of its own.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>A new tensor on the CPU, of the dtype and shape that the file has.</returns>
    /// <exception cref="WorkbookException">There is none of that name, or its numbers are of a kind that TorchSharp lacks.</exception>
    public Tensor Load(string name) => Find(name).Load(_path, _bytes);

    /// <summary>
    /// The initializers under the names that a state_dict of PyTorch has: an exporter transposes the weight of a linear layer for the MatMul and drops its
    /// name, while the bias that is added next keeps it.
    /// </summary>
    /// <returns>Name → a function that makes the tensor; those that stay without a name are not among them.</returns>
    /// <exception cref="WorkbookException">The file is quantized, or two matrices claim one name.</exception>
    public IReadOnlyDictionary<string, Func<Tensor>> ByPyTorchNames()
    {
        if (_nodes.FirstOrDefault(n => n.OpType.Contains("Quantize", StringComparison.Ordinal) || n.OpType.EndsWith("Integer", StringComparison.Ordinal)
            || n.OpType.StartsWith("QLinear", StringComparison.Ordinal)) is { } quantized)
        {
            throw new WorkbookException($"{_path} is quantized (its graph has a {SafeTensorsFault.Short(quantized.OpType, 40)}): get the float32 file");
        }

        Dictionary<string, Func<Tensor>> named = _initializers.Keys.Where(name => name.Contains('.', StringComparison.Ordinal))
            .ToDictionary(name => name, name => (Func<Tensor>)(() => Load(name)));
        Dictionary<string, string> products = [];
        foreach (OnnxNode node in _nodes.Where(n => n.OpType == "MatMul" && n.Inputs.Count == 2 && n.Outputs.Count == 1 && Rank(n.Inputs[1]) == 2))
        {
            products[node.Outputs[0]] = node.Inputs[1];
        }

        foreach (OnnxNode node in _nodes.Where(n => n.OpType == "Add" && n.Inputs.Count == 2))
        {
            string? bias = node.Inputs.FirstOrDefault(i => i.EndsWith(".bias", StringComparison.Ordinal) && Rank(i) == 1);
            if (bias is not null && node.Inputs.Select(products.GetValueOrDefault).FirstOrDefault(m => m is not null) is { } matrix
                && !named.TryAdd(bias[..^".bias".Length] + ".weight", () => Transposed(matrix)))
            {
                throw new WorkbookException($"{_path} has two matrices before the bias {SafeTensorsFault.Quoted(bias)}: it is another network's file");
            }
        }

        return named;
    }

    private Tensor Transposed(string name)
    {
        using Tensor matrix = Load(name);
        using Tensor transposed = matrix.t();
        return transposed.contiguous();
    }

    private int Rank(string name) => _initializers.TryGetValue(name, out OnnxTensor? tensor) ? tensor.Shape.Length : -1;

    private OnnxTensor Find(string name) => _initializers.TryGetValue(name, out OnnxTensor? tensor) ? tensor
        : throw new WorkbookException($"{_path} has no initializer {SafeTensorsFault.Quoted(name)}; it has {SafeTensorsFault.List(_initializers.Keys)}");

    private void ReadGraph(ProtoField graph)
    {
        foreach (ProtoField field in ProtoFields.Of(_bytes, graph.Start, graph.Length).Where(f => f.IsBytes))
        {
            if (field.Number == 1)
            {
                _nodes.Add(ReadNode(field));
            }
            else if (field.Number == 5)
            {
                OnnxTensor tensor = OnnxTensor.Read(_path, _bytes, field);
                if (!_initializers.TryAdd(tensor.Name, tensor))
                {
                    throw new WorkbookException($"{_path} has two initializers {SafeTensorsFault.Quoted(tensor.Name)}: write or fetch it again");
                }
            }
        }
    }

    private OnnxNode ReadNode(ProtoField node)
    {
        List<string> inputs = [], outputs = [];
        string opType = "";
        foreach (ProtoField field in ProtoFields.Of(_bytes, node.Start, node.Length).Where(f => f.Number is 1 or 2 or 4))
        {
            string text = ProtoFields.Text(_bytes, field);
            if (field.Number == 4)
            {
                opType = text;
            }
            else
            {
                (field.Number == 1 ? inputs : outputs).Add(text);
            }
        }

        return new(opType, inputs, outputs);
    }
}
