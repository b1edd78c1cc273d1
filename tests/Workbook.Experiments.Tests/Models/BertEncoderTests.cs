using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class BertEncoderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly IDisposable _still = no_grad();
    private readonly Tensor _ids = from_array(new long[] { 2, 5, 7, 3, 2, 9, 3, 0 }).reshape(2, 4);

    public void Dispose()
    {
        _still.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }

    private static BertEncoder Small() => new(1, words: 12, length: 6, width: 16, depth: 2, heads: 4, classes: null);

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    [Fact]
    public void Trained_weights_come_from_an_export_to_ONNX_and_from_safetensors_and_go_back_under_PyTorchs_names()
    {
        BertEncoder network = Small();
        Tensor expected = network.call(_ids);
        File.WriteAllBytes(PathOf("model.onnx"), OnnxWriter.Of(network).ToBytes());
        BertEncoder exported = BertEncoder.Load(PathOf("model.onnx"), heads: 4);
        Assert.True(exported.call(_ids).equal(expected).all().item<bool>());

        exported.SaveSafeTensors(PathOf("model.safetensors"));
        BertEncoder saved = BertEncoder.Load(PathOf("model.safetensors"), heads: 4);
        Assert.True(saved.call(_ids).equal(expected).all().item<bool>());
        using SafeTensorsFile file = SafeTensors.Read(PathOf("model.safetensors"));
        string[] names =
        [
            "embeddings.word_embeddings.weight", "embeddings.token_type_embeddings.weight", "embeddings.LayerNorm.bias",
            "encoder.layer.1.attention.self.query.weight", "encoder.layer.1.attention.output.LayerNorm.weight", "encoder.layer.0.intermediate.dense.bias",
            "encoder.layer.0.output.dense.weight", "pooler.dense.weight",
        ];
        Assert.Empty(names.Except(file.Names));
    }

    [Fact]
    public void Older_files_with_a_prefix_and_places_and_without_a_pooler_are_read()
    {
        BertEncoder network = Small();
        SafeTensors.Write(PathOf("model.safetensors"), network.state_dict().Where(t => !t.Key.StartsWith("pooler", StringComparison.Ordinal))
            .Select(t => KeyValuePair.Create("bert." + t.Key, t.Value)).Append(new("bert.embeddings.position_ids", arange(6, ScalarType.Int64))));
        Assert.True(BertEncoder.Load(PathOf("model.safetensors"), heads: 4).call(_ids).equal(network.call(_ids)).all().item<bool>());
    }

    [Fact]
    public void What_stands_behind_a_sentence_does_not_change_what_is_known_of_it()
    {
        BertEncoder network = Small();
        Tensor padded = network.call(_ids)[1], alone = network.call(_ids.narrow(0, 1, 1).narrow(1, 0, 3))[0];
        Assert.True(padded.narrow(0, 0, 3).allclose(alone, 1e-5, 1e-6));
        Tensor embedded = network.Embed(_ids, batchSize: 1);
        Assert.True(embedded.allclose(network.Embed(_ids), 1e-5, 1e-6));
        Assert.Equal(1, embedded.mul(embedded).sum(1L)[0].item<float>(), 5);
        Assert.True(embedded[1].allclose(alone.mean([0]).div(alone.mean([0]).norm()), 1e-4, 1e-5));
    }

    [Theory]
    [InlineData("it has no 'embeddings.word_embeddings.weight'", "fc.weight")]
    [InlineData("'encoder.layer.1.output.dense.weight' is Float32 [16, 64], the encoder's Float32 [16, 32]", "encoder.layer.1.intermediate.dense.weight")]
    [InlineData("an encoder has no 'classifier.weight'", "classifier.weight")]
    public void Another_networks_file_names_the_first_tensor_that_does_not_fit(string fault, string odd)
    {
        Dictionary<string, Tensor> state = odd == "fc.weight" ? [] : Small().state_dict();
        state[odd] = randn(32, 16);
        if (odd.Contains("intermediate", StringComparison.Ordinal))
        {
            state["encoder.layer.1.intermediate.dense.bias"] = randn(32);
        }

        SafeTensors.Write(PathOf("other.safetensors"), state);
        string message = Assert.Throws<WorkbookException>(() => BertEncoder.Load(PathOf("other.safetensors"), heads: 4)).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_vocabulary_has_to_belong_to_the_encoder()
    {
        BertEncoder network = Small();
        File.WriteAllLines(PathOf("short.txt"), ["[PAD]", "[UNK]"]);
        File.WriteAllLines(PathOf("odd.txt"), Enumerable.Range(0, 12).Select(i => $"word{i}"));
        Assert.Contains("has 2 word pieces, the encoder 12",
            Assert.Throws<WorkbookException>(() => WordPieces.Read(PathOf("short.txt"), network)).Message, StringComparison.Ordinal);
        Assert.Contains("no vocabulary of BERT's", Assert.Throws<WorkbookException>(() => WordPieces.Read(PathOf("odd.txt"), network)).Message,
            StringComparison.Ordinal);
        Assert.Contains("can't read", Assert.Throws<WorkbookException>(() => WordPieces.Read(PathOf("none.txt"), network)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sentences_become_pieces_and_long_ones_are_cut_and_said()
    {
        File.WriteAllLines(PathOf("vocab.txt"), ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "whale", "##s", "sea", "the", ".", "ship", "old"]);
        WordPieces pieces = WordPieces.Read(PathOf("vocab.txt"), Small());
        Assert.Equal([2, 8, 5, 6, 9, 3], pieces.Encode(["The whales."])[0].data<long>().ToArray());
        Assert.Equal([2, 7, 3, 0, 0, 0], pieces.Encode(["the whales.", "Sea"])[1].data<long>().ToArray());
        List<string> said = [];
        Tensor cut = pieces.Encode(["the old whale the old ship the sea", "sea"], said.Add);
        Assert.Equal([2, 8, 11, 5, 8, 3], cut[0].data<long>().ToArray());
        Assert.Equal("1 of 2 sentences are longer than 6 tokens and cut there, the first of them sentence 0", Assert.Single(said));
        Assert.Contains("sentence 1 is empty", Assert.Throws<WorkbookException>(() => pieces.Encode(["sea", " "])).Message, StringComparison.Ordinal);
        Assert.Contains("no sentences", Assert.Throws<WorkbookException>(() => pieces.Encode([])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Heads_and_hidden_units_go_and_what_is_left_loads_again()
    {
        BertEncoder network = Small();
        network.eval();
        nn.Module blocks = network.named_children().First(c => c.name == "encoder").module;
        ChannelGraph graph = ChannelGraph.Trace(blocks, [randn(1, 3, 16), zeros(1, 1, 1, 3)]);
        Assert.Equal([4, 64, 4, 64], graph.Groups.Where(g => g.WholeBecause is null).Select(g => g.Units.Count));

        Mask mask = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.5);
        mask.Apply(blocks);
        Tensor zeroed = network.call(_ids);
        graph.Remove(mask);
        Assert.Equal([8, 16], network.get_parameter("encoder.layer.1.attention.self.value.weight")!.shape);
        Assert.True(network.call(_ids).allclose(zeroed, 1e-4, 1e-5));

        network.SaveSafeTensors(PathOf("smaller.safetensors"));
        Assert.True(BertEncoder.Load(PathOf("smaller.safetensors"), heads: 4).call(_ids).allclose(zeroed, 1e-4, 1e-5));
    }

    [Fact]
    public void An_encoders_linear_layers_become_sparse_and_answer_alike()
    {
        BertEncoder network = Small(), dense = network.CopyInto(Small());
        Mask mask = new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("pooler", "embeddings") }.Prune(network, 0.8);
        mask.Apply(dense);
        Conversion conversion = Sparse.Convert(network, mask, fromSparsity: 0.5);
        Assert.Equal(12, conversion.Layers.Count(l => l.StaysDense is null && l.Name.StartsWith("encoder.layer.", StringComparison.Ordinal)));
        Assert.True(network.call(_ids).allclose(dense.call(_ids), 1e-5, 1e-6));
    }
}
