using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>SHA-256 over named tensors: names, dtypes, shapes and values.</summary>
internal static class ContentHash
{
    /// <summary>Lower-case hexadecimal; the order of the names does not matter.</summary>
    internal static string Of(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, Tensor tensor) in tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            Text(hash, name);
            Text(hash, $"{tensor.dtype} [{string.Join(", ", tensor.shape)}]");

            // Piece by piece: a span holds at most 2 GB.
            Tensor flat = tensor.detach().cpu().contiguous().reshape(-1);
            const long Piece = 1 << 26;
            for (long start = 0; start < flat.numel(); start += Piece)
            {
                using Tensor piece = flat.narrow(0, start, Math.Min(Piece, flat.numel() - start));
                hash.AppendData(piece.bytes);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Text(IncrementalHash hash, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
