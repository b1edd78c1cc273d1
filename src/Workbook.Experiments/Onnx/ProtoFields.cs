using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;

namespace Workbook;

/// <summary>A field of a Protocol Buffers message, as it lies in the bytes.</summary>
/// <param name="Number">Of the field.</param>
/// <param name="Kind">How it is written.</param>
/// <param name="Value">Of a whole number or of 4 or 8 bytes.</param>
/// <param name="Start">Where the bytes of a text, a message or a packed list begin.</param>
/// <param name="Length">How many those are.</param>
internal readonly record struct ProtoField(int Number, WireFormat.WireType Kind, ulong Value, int Start, int Length)
{
    internal bool IsBytes => Kind == WireFormat.WireType.LengthDelimited;
}

/// <summary>Messages read field by field, without classes made from a schema: nothing is copied, and no length is believed that the bytes don't hold.</summary>
internal static class ProtoFields
{
    /// <exception cref="InvalidProtocolBufferException">The bytes are no message.</exception>
    internal static IEnumerable<ProtoField> Of(byte[] bytes, int start, int length)
    {
        int end = start + length;
        CodedInputStream input = new(bytes, start, length);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            (int number, WireFormat.WireType kind) = (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag));
            if (kind == WireFormat.WireType.LengthDelimited)
            {
                (int size, int at) = (input.ReadLength(), (int)input.Position);
                if (size < 0 || size > end - at)
                {
                    throw new EndOfStreamException();
                }

                yield return new(number, kind, 0, at, size);
                // The reader has no way to pass bytes over without a copy.
                input = new CodedInputStream(bytes, at + size, end - at - size);
                continue;
            }

            yield return kind switch
            {
                WireFormat.WireType.Varint => new(number, kind, input.ReadUInt64(), 0, 0),
                WireFormat.WireType.Fixed32 => new(number, kind, input.ReadFixed32(), 0, 0),
                WireFormat.WireType.Fixed64 => new(number, kind, input.ReadFixed64(), 0, 0),
                _ => throw new InvalidDataException($"field {number} is of a group, which ONNX does not have"),
            };
        }
    }

    /// <summary>Whole numbers, one by one or packed.</summary>
    internal static IEnumerable<long> Integers(byte[] bytes, ProtoField field)
    {
        if (!field.IsBytes)
        {
            yield return (long)field.Value;
            yield break;
        }

        CodedInputStream input = new(bytes, field.Start, field.Length);
        while (!input.IsAtEnd)
        {
            yield return input.ReadInt64();
        }
    }

    /// <summary>A text, at most 200 characters of it.</summary>
    internal static string Text(byte[] bytes, ProtoField field) =>
        field.IsBytes ? Encoding.UTF8.GetString(bytes, field.Start, Math.Min(field.Length, 200)) : "";

    /// <summary>Numbers of single precision, one by one or packed.</summary>
    internal static IEnumerable<float> Singles(byte[] bytes, ProtoField field) => !field.IsBytes
        ? [BitConverter.UInt32BitsToSingle((uint)field.Value)]
        : Enumerable.Range(0, field.Length / sizeof(float))
            .Select(i => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(field.Start + (sizeof(float) * i))));
}
