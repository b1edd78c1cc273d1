using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>The tensors of a file, under the names that an encoder of BERT has in PyTorch.</summary>
internal sealed class BertWeights : IDisposable
{
    private const string Prefix = "bert.";

    /// <summary>0, 1, 2 … in files of older versions: no weight.</summary>
    private const string Places = "embeddings.position_ids";

    private readonly string _path;
    private readonly SafeTensorsFile? _file;
    private readonly Dictionary<string, Func<Tensor>> _tensors;

    private BertWeights(string path, SafeTensorsFile? file, IEnumerable<KeyValuePair<string, Func<Tensor>>> tensors)
    {
        (_path, _file) = (path, file);
        _tensors = tensors.Select(t => (Name: t.Key.StartsWith(Prefix, StringComparison.Ordinal) ? t.Key[Prefix.Length..] : t.Key, t.Value))
            .Where(t => t.Name != Places).DistinctBy(t => t.Name).ToDictionary(t => t.Name, t => t.Value);
    }

    /// <summary>Opens an ONNX file, which begins with its version, or a safetensors file, which has a brace after the eight bytes of a length.</summary>
    internal static BertWeights Read(string path)
    {
        if (LooksLikeOnnx(path))
        {
            return new(path, null, OnnxFile.Read(path).ByPyTorchNames());
        }

        SafeTensorsFile file = SafeTensors.Read(path);
        return new(path, file, file.Names.Select(name => KeyValuePair.Create(name, (Func<Tensor>)(() => file.Load(name)))));
    }

    private static bool LooksLikeOnnx(string path)
    {
        if (!File.Exists(path) || FileKind.Odd(path) is not null)
        {
            return false; // the reader of the other kind says what is wrong
        }

        Span<byte> start = stackalloc byte[9];
        using FileStream file = File.OpenRead(path);
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) || (read > 0 && start[0] == 8 && start[8] != '{');
    }

    internal bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>The shape of a tensor that has to be there.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="wanted">The sizes; −1 for any.</param>
    internal long[] Shape(string name, params long[] wanted)
    {
        using Tensor tensor = Load(name);
        long[] shape = tensor.shape;
        return shape.Length == wanted.Length && shape.Zip(wanted).All(s => s.First > 0 && (s.Second < 0 || s.First == s.Second)) ? shape
            : throw Unfit($"{SafeTensorsFault.Quoted(name)} has shape {SafeTensorsFault.Shape(shape)}, which an encoder's "
                + $"{SafeTensorsFault.Shape(wanted)} (−1: any) does not fit");
    }

    /// <summary>Copies all tensors into a network; the pooler's may be missing, nothing may be left over.</summary>
    internal void CopyInto(nn.Module network)
    {
        using IDisposable noGrad = no_grad();
        Dictionary<string, Tensor> state = network.state_dict();
        foreach ((string name, Tensor into) in state.Where(s => Has(s.Key) || !s.Key.StartsWith("pooler.", StringComparison.Ordinal)))
        {
            using Tensor loaded = Load(name);
            if (!loaded.shape.SequenceEqual(into.shape) || !loaded.is_floating_point())
            {
                throw Unfit($"{SafeTensorsFault.Quoted(name)} is {loaded.dtype} {SafeTensorsFault.Shape(loaded.shape)}, the encoder's "
                    + $"{into.dtype} {SafeTensorsFault.Shape(into.shape)}");
            }

            into.copy_(loaded);
        }

        if (_tensors.Keys.FirstOrDefault(name => !state.ContainsKey(name)) is { } odd)
        {
            throw Unfit($"an encoder has no {SafeTensorsFault.Quoted(odd)}");
        }
    }

    public void Dispose() => _file?.Dispose();

    private Tensor Load(string name) => _tensors.TryGetValue(name, out Func<Tensor>? load) ? load()
        : throw Unfit($"it has no {SafeTensorsFault.Quoted(name)}");

    private WorkbookException Unfit(string why) => new($"{_path} is no encoder of BERT: {why}; name the file of one, as PyTorch saves or exports it");
}
