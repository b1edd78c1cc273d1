namespace Workbook.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("workbook-tensors-").FullName;

    internal string New() => System.IO.Path.Combine(Path, $"{Guid.NewGuid():N}.safetensors");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
