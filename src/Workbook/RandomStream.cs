using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Independent streams of random numbers out of one seed: what is drawn for one purpose, or for one layer, does not
/// depend on what was drawn before, nor on what other threads draw (torch's default generator is one for all threads).
/// </summary>
public static class RandomStream
{
    /// <summary>The generator of one purpose.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers are for, e.g. <c>"init", "fc1.weight"</c>.</param>
    /// <returns>A CPU generator; the caller disposes it.</returns>
    public static Generator Of(int seed, params ReadOnlySpan<string> purpose)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{seed}/{string.Join('/', purpose!)}")), hash);
        return new Generator(BitConverter.ToUInt32(hash));
    }
}
