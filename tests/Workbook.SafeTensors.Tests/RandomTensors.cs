using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>What a tensor is, bit for bit: NaN payloads and negative zeros count.</summary>
internal sealed record Content(ScalarType Dtype, long[] Shape, byte[] Bytes)
{
    internal static Content Of(Tensor tensor) => new(tensor.dtype, tensor.shape, tensor.numel() == 0 ? [] : tensor.contiguous().bytes.ToArray());

    internal Tensor ToTensor()
    {
        Tensor tensor = empty(Shape, Dtype);
        if (Bytes.Length > 0)
        {
            tensor.bytes = Bytes;
        }

        return tensor;
    }

    public bool Equals(Content? other) => other is not null && Dtype == other.Dtype && Shape.SequenceEqual(other.Shape) && Bytes.SequenceEqual(other.Bytes);

    public override int GetHashCode() => HashCode.Combine(Dtype, Bytes.Length);
}

/// <summary>Tensors of all dtypes that the format and TorchSharp share, and folders that are gone after the test.</summary>
internal static class RandomTensors
{
    internal static readonly (ScalarType Dtype, string Name, int Bytes)[] Dtypes =
    [
        (ScalarType.Float64, "F64", 8), (ScalarType.Float32, "F32", 4), (ScalarType.Float16, "F16", 2), (ScalarType.BFloat16, "BF16", 2),
        (ScalarType.Int64, "I64", 8), (ScalarType.Int32, "I32", 4), (ScalarType.Int16, "I16", 2), (ScalarType.Int8, "I8", 1),
        (ScalarType.Byte, "U8", 1), (ScalarType.Bool, "BOOL", 1),
    ];

    /// <summary>Scalars, empty ones and up to four dimensions, with random bytes.</summary>
    internal static readonly Gen<Content> One =
        from dtype in Gen.OneOf(Dtypes)
        from shape in Gen.Long[0, 4].Array[0, 4]
        from bytes in Gen.Byte.Array[(int)shape.Aggregate(1L, (a, b) => a * b) * dtype.Bytes]
        select new Content(dtype.Dtype, shape, dtype.Dtype == ScalarType.Bool ? [.. bytes.Select(b => (byte)(b & 1))] : bytes);

    /// <summary>Names of any characters, each once.</summary>
    internal static readonly Gen<OrderedDictionary<string, Content>> Several =
        from names in Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 0, 8], Gen.String[Gen.Char['\0', '\ud7ff'], 0, 8]).Array[0, 6]
        from contents in One.Array[names.Length]
        select new OrderedDictionary<string, Content>(names.Zip(contents, KeyValuePair.Create).DistinctBy(n => n.Key));

    internal static void Write(string path, IEnumerable<KeyValuePair<string, Content>> contents, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Write(path, contents.Select(c => KeyValuePair.Create(c.Key, c.Value.ToTensor())), metadata);
    }
}
