using Workbook.Native;
using Xunit;

namespace Workbook.Cli.Tests.Running;

public sealed class DataTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    private Dictionary<string, string> Offline => new() { [EnvironmentVariables.Cache] = _workspace.PathOf("cache"), [EnvironmentVariables.Offline] = "1" };

    [Fact]
    public void Data_sets_texts_and_models_are_listed_with_licences_and_sizes()
    {
        (int exitCode, string output, _) = Workspace.Finish(_workspace.Start(Offline, "data", "list"));
        Assert.Equal(0, exitCode);
        Assert.Contains("mnist         MNIST (CC BY-SA 3.0): not here, 11.6 MB to download to ", output, StringComparison.Ordinal);
        Assert.Contains("moby-dick     Moby Dick (public domain): not here, 1.2 MB to download to ", output, StringComparison.Ordinal);
        Assert.Contains("minilm        all-MiniLM-L6-v2 (Apache-2.0, packed under MIT): not here, 83.4 MB to download to ", output, StringComparison.Ordinal);
        Assert.Contains("resnet18      ResNet-18, trained on ImageNet, without its classifier (MIT): not here, 59.5 MB to download to ", output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_is_not_fetched_where_downloads_are_forbidden()
    {
        (int exitCode, _, string errors) = Workspace.Finish(_workspace.Start(Offline, "data", "fetch", "minilm"));
        Assert.NotEqual(0, exitCode);
        Assert.Contains($"{EnvironmentVariables.Offline} is set: unset it, or put the files there", errors, StringComparison.Ordinal);
        Assert.Single(errors.Trim().Split('\n'));
    }

    [Fact]
    public void Without_network_and_folder_a_notebook_reads_the_grammars_text_and_no_model()
    {
        _workspace.Write("n", $"#!import {Repository.PathOf("lab.csx")}",
            "TextSource text = Texts.Open(); Console.WriteLine($\"{text.Name} {text.Source} {text.Entropy:F3} {PretrainedModels.Find(\"minilm\") is null}\");");
        (int exitCode, string output, string errors) = Workspace.Finish(_workspace.Start(Offline, "run", "n.ipynb"));
        Assert.True(exitCode == 0, output + errors);
        Assert.Contains($"grammar a text drawn by a grammar of known entropy, because Moby Dick is neither in a folder that was named nor in the cache and "
            + $"nothing is downloaded ({EnvironmentVariables.Offline}) 0.373 True", File.ReadAllText(_workspace.PathOf("artifacts", "run", "n.ipynb")),
            StringComparison.Ordinal);
    }
}
