using static TorchSharp.torch;

namespace Workbook.Tests;

/// <summary>Examples with nothing to learn.</summary>
internal static class Noise
{
    internal static LabelledTensors Data()
    {
        using Generator generator = RandomStream.Of(1, "data");
        return new(randn([600, 784], generator: generator), randint(0, 10, [600], generator: generator)) { Name = "noise" };
    }
}
