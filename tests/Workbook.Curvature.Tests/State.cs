using System.Security.Cryptography;
using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>All weights and buffers of a model as one text, to see that none has changed.</summary>
internal static class State
{
    internal static string Of(nn.Module model)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string _, Tensor tensor) in model.state_dict())
        {
            using Tensor plain = tensor.detach().contiguous();
            hash.AppendData(plain.bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
