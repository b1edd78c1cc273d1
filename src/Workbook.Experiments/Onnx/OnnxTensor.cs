using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>An initializer of an ONNX file: where its numbers lie, not yet the numbers.</summary>
internal sealed record OnnxTensor(string Name, long[] Shape, long Type, IReadOnlyList<ProtoField> Data)
{
    private const int RawData = 9, FloatData = 4, Int64Data = 7;

    /// <summary>TensorProto's numbers of data types.</summary>
    private static readonly Dictionary<long, ScalarType> s_types = new()
    {
        [1] = ScalarType.Float32,
        [2] = ScalarType.Byte,
        [3] = ScalarType.Int8,
        [5] = ScalarType.Int16,
        [6] = ScalarType.Int32,
        [7] = ScalarType.Int64,
        [9] = ScalarType.Bool,
        [10] = ScalarType.Float16,
        [11] = ScalarType.Float64,
        [16] = ScalarType.BFloat16,
    };

    /// <exception cref="WorkbookException">Its sizes are impossible, or its data lies in another file.</exception>
    internal static OnnxTensor Read(string path, byte[] bytes, ProtoField message)
    {
        (string name, long type) = ("", 0);
        bool isExternal = false;
        List<long> shape = [];
        List<ProtoField> data = [];
        foreach (ProtoField field in ProtoFields.Of(bytes, message.Start, message.Length))
        {
            switch (field.Number)
            {
                case 1: shape.AddRange(ProtoFields.Integers(bytes, field)); break;
                case 2 when !field.IsBytes: type = (long)field.Value; break;
                case 8: name = ProtoFields.Text(bytes, field); break;
                case 13: isExternal = true; break;
                case 14: isExternal |= field.Value == 1; break;
                case RawData or FloatData or Int64Data or 5 or 6 or 10 or 11: data.Add(field); break;
                default: break;
            }
        }

        long count = 1;
        foreach (long size in shape)
        {
            if (size < 0 || (count = size == 0 ? 0 : count > int.MaxValue / size ? -1 : count * size) < 0)
            {
                throw new WorkbookException($"{path}: {SafeTensorsFault.Quoted(name)} has the impossible shape "
                    + $"{SafeTensorsFault.Shape(shape.Take(8))}: write or fetch it again");
            }
        }

        return isExternal ? throw new WorkbookException($"{path} keeps {SafeTensorsFault.Quoted(name)} in another file (external data), which is not read: "
            + "save it in Python with onnx.save(onnx.load(FILE), \"model.onnx\")") : new(name, [.. shape], type, data);
    }

    /// <exception cref="WorkbookException">There are more or fewer numbers than the shape has, or of another kind.</exception>
    internal Tensor Load(string path, byte[] bytes)
    {
        if (!s_types.TryGetValue(Type, out ScalarType dtype))
        {
            throw new WorkbookException($"{path}: {SafeTensorsFault.Quoted(Name)} holds numbers of ONNX's type {Type}, which are not read: "
                + "convert it to float32");
        }

        long count = Shape.Aggregate(1L, (product, size) => product * size);
        using DisposeScope scope = NewDisposeScope();
        Tensor tensor = empty(Shape, dtype);
        long wanted = count * tensor.ElementSize;
        if (Data is [{ Number: RawData, IsBytes: true } raw])
        {
            Require(raw.Length == wanted, raw.Length);
            if (count > 0)
            {
                bytes.AsSpan(raw.Start, raw.Length).CopyTo(tensor.bytes);
            }

            return tensor.MoveToOuterDisposeScope();
        }

        if (dtype == ScalarType.Float32 && Data.All(d => d.Number == FloatData))
        {
            float[] numbers = [.. Data.SelectMany(d => ProtoFields.Singles(bytes, d))];
            Require(numbers.Length == count, sizeof(float) * numbers.LongLength);
            return from_array(numbers).reshape(Shape).MoveToOuterDisposeScope();
        }

        if (dtype == ScalarType.Int64 && Data.All(d => d.Number == Int64Data))
        {
            long[] numbers = [.. Data.SelectMany(d => ProtoFields.Integers(bytes, d))];
            Require(numbers.Length == count, sizeof(long) * numbers.LongLength);
            return from_array(numbers).reshape(Shape).MoveToOuterDisposeScope();
        }

        throw new WorkbookException($"{path}: the numbers of {SafeTensorsFault.Quoted(Name)} are kept in a way that is not read (typed lists of {dtype}): "
            + "save it with raw data");

        void Require(bool isRight, long found)
        {
            if (!isRight)
            {
                throw new WorkbookException($"{path}: {SafeTensorsFault.Quoted(Name)} of shape {SafeTensorsFault.Shape(Shape)} has {found:N0} bytes instead of "
                    + $"{wanted:N0}: write or fetch it again");
            }
        }
    }
}
