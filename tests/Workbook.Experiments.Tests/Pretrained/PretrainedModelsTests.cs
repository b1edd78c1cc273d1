using Xunit;

namespace Workbook.Tests;

public sealed class PretrainedModelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_resource_is_read_without_loading_the_assembly_and_damage_is_said()
    {
        string assembly = typeof(PretrainedModels).Assembly.Location, cut = Path.Combine(_folder.Path, "cut.dll");
        using MemoryStream copied = new(), wanted = new();
        PackedResource.Copy(assembly, "models.json", copied);
        using (Stream own = typeof(PretrainedModels).Assembly.GetManifestResourceStream("models.json")!)
        {
            own.CopyTo(wanted);
        }

        Assert.Equal(wanted.ToArray(), copied.ToArray());
        Assert.Contains("no resource 'other'", Assert.Throws<WorkbookException>(() => PackedResource.Copy(assembly, "other", copied)).Message,
            StringComparison.Ordinal);
        byte[] bytes = File.ReadAllBytes(assembly);
        foreach (int length in new[] { 0, 100, bytes.Length / 2, bytes.Length - 1000 })
        {
            File.WriteAllBytes(cut, bytes[..length]);
            string? message = Record.Exception(() => PackedResource.Copy(cut, "models.json", new MemoryStream())) is { } e
                ? Assert.IsType<WorkbookException>(e).Message : null;
            Assert.DoesNotContain('\n', message ?? "");
        }
    }

    [Fact]
    public void A_model_of_ones_own_is_found_and_said_to_be_another()
    {
        string folder = Path.Combine(_folder.Path, "models", "minilm");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "x");
        File.WriteAllText(Path.Combine(folder, "vocab.txt"), "x");
        PretrainedModel found = PretrainedModels.Find("minilm", _folder.Path)!;
        Assert.Equal((Path.Combine(folder, "model.safetensors"), Path.Combine(folder, "vocab.txt")), (found.Weights, found.Vocabulary));
        Assert.EndsWith("; the content is not the published one", found.Source, StringComparison.Ordinal);
        DatasetStatus status = PretrainedModels.List(_folder.Path)[0];
        Assert.Equal(("minilm", true, false, folder), (status.Name, status.Present, status.Verified, status.Folder));
    }

    [Fact]
    public void An_unknown_model_is_named_with_those_that_there_are() => Assert.Equal("there is no model 'gpt-5': choose one of minilm, resnet18",
        Assert.Throws<WorkbookException>(() => PretrainedModels.Find("gpt-5")).Message);

    [Fact]
    public void A_package_that_no_source_has_ends_in_one_line_and_leaves_nothing()
    {
        string message = Assert.Throws<WorkbookException>(() => PackageRestore.Run("No.Such.Package", "1.0.0", Path.Combine(_folder.Path, "none.proj"), [],
            cancel: TestContext.Current.CancellationToken)).Message;
        Assert.StartsWith("No.Such.Package 1.0.0 could not be fetched (", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
