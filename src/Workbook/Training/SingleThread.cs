using static TorchSharp.torch;

namespace Workbook;

/// <summary>One torch thread until disposal: on small tensors several threads would wait for each other longer than they work.</summary>
internal sealed class SingleThread : IDisposable
{
    private readonly int _before = get_num_threads();

    internal SingleThread() => set_num_threads(1);

    /// <inheritdoc/>
    public void Dispose() => set_num_threads(_before);
}
