using Google.Protobuf;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Writes ONNX files, also wrong ones.</summary>
internal sealed class OnnxWriter
{
    private readonly List<byte[]> _nodes = [], _initializers = [];

    internal OnnxWriter Node(string opType, string[] inputs, params string[] outputs)
    {
        _nodes.Add(Message(m =>
        {
            Array.ForEach(inputs, i => Text(m, 1, i));
            Array.ForEach(outputs, o => Text(m, 2, o));
            Text(m, 4, opType);
        }));
        return this;
    }

    internal OnnxWriter Raw(string name, Tensor tensor, int type = 1, long[]? shape = null) => Tensor(name, shape ?? tensor.shape, type, m =>
    {
        m.WriteTag(9, WireFormat.WireType.LengthDelimited);
        m.WriteBytes(ByteString.CopyFrom(tensor.contiguous().bytes));
    });

    internal OnnxWriter Tensor(string name, long[] shape, int type, Action<CodedOutputStream> data)
    {
        _initializers.Add(Message(m =>
        {
            foreach (long size in shape)
            {
                m.WriteTag(1, WireFormat.WireType.Varint);
                m.WriteInt64(size);
            }

            m.WriteTag(2, WireFormat.WireType.Varint);
            m.WriteInt32(type);
            Text(m, 8, name);
            data(m);
        }));
        return this;
    }

    /// <summary>As PyTorch exports it: the matrices of linear layers transposed and without a name, each multiplied before its bias is added.</summary>
    internal static OnnxWriter Of(nn.Module encoder)
    {
        OnnxWriter writer = new();
        foreach ((string name, Tensor tensor) in encoder.state_dict())
        {
            if (name.StartsWith("encoder.", StringComparison.Ordinal) && tensor.dim() == 2)
            {
                int number = 900 + writer._initializers.Count;
                writer.Raw($"{number}", tensor.t()).Node("MatMul", ["x", $"{number}"], $"{number}.product")
                    .Node("Add", [name.Replace(".weight", ".bias", StringComparison.Ordinal), $"{number}.product"], $"{number}.sum");
            }
            else
            {
                writer.Raw(name, tensor);
            }
        }

        return writer;
    }

    internal byte[] ToBytes() => Message(m =>
    {
        m.WriteTag(1, WireFormat.WireType.Varint);
        m.WriteInt64(7);
        m.WriteTag(7, WireFormat.WireType.LengthDelimited);
        m.WriteBytes(ByteString.CopyFrom(Message(graph =>
        {
            foreach ((int field, byte[] message) in _nodes.Select(n => (1, n)).Concat(_initializers.Select(i => (5, i))))
            {
                graph.WriteTag(field, WireFormat.WireType.LengthDelimited);
                graph.WriteBytes(ByteString.CopyFrom(message));
            }
        })));
    });

    internal static void Text(CodedOutputStream message, int field, string text)
    {
        message.WriteTag(field, WireFormat.WireType.LengthDelimited);
        message.WriteString(text);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream stream = new();
        using (CodedOutputStream output = new(stream))
        {
            write(output);
        }

        return stream.ToArray();
    }
}
