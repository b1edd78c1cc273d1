using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Workbook.Tests;

/// <summary>The real weights, where they are here: <c>workbook data fetch minilm</c>.</summary>
public sealed class MiniLMTests
{
    private static readonly string[] s_sentences =
    [
        "Call me Ishmael.", "It is a way I have of driving off the spleen, and regulating the circulation.",
        "Some years ago - never mind how long precisely - having little or no money in my purse, I thought I would sail about a little.",
        "Whenever it is a damp, drizzly November in my soul; Ça va?",
    ];

    [Fact]
    public void The_encoder_answers_as_ONNX_Runtime_does()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        PretrainedModel model = Model();
        BertEncoder network = BertEncoder.Load(model.Weights);
        Tensor ids = WordPieces.Read(model.Vocabulary!, network).Encode(s_sentences);
        Tensor ours = network.call(ids), theirs = OfOnnxRuntime(model, ids);
        Assert.InRange(ours.sub(theirs).abs().mul(ids.ne(0).unsqueeze(2)).max().item<float>(), 0, 1e-4f);
        Assert.Equal(10_616_832, Mask.Full(network, "pooler", "embeddings").Total);
    }

    [Fact]
    public void The_answers_that_notebook_06_compares_with_are_ONNX_Runtimes()
    {
        using DisposeScope scope = NewDisposeScope();
        PretrainedModel model = Model();
        using StreamReader kept = new(typeof(MiniLMTests).Assembly.GetManifestResourceStream("minilm-onnxruntime.csv")!);
        string[] lines = kept.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] sentences = [.. lines.Skip(1).Select(line => line.Split(',')[0]).Distinct()];
        Assert.Equal(3, sentences.Length);
        Tensor ids = WordPieces.Read(model.Vocabulary!, BertEncoder.Load(model.Weights)).Encode(sentences), real = ids.ne(0).to(float32).unsqueeze(2);
        Tensor means = OfOnnxRuntime(model, ids).mul(real).sum([1L]).div(real.sum([1L]));
        Tensor embedded = means.div(means.square().sum([1L], keepdim: true).sqrt());
        string[] made = ["series,x,y", .. sentences.Index().SelectMany(s => Enumerable.Range(0, 48)
            .Select(i => FormattableString.Invariant($"{s.Item},{i},{embedded[s.Index, i].item<float>():F6}")))];
        Assert.Equal(made.Select(line => line[..line.LastIndexOf(',')]), lines.Select(line => line[..line.LastIndexOf(',')]));

        // The sixth decimal is rounded, and another processor adds up in another order.
        Assert.All(made.Zip(lines).Skip(1), pair => Assert.Equal(Number(pair.First), Number(pair.Second), 2e-6));
        static double Number(string line) => double.Parse(line[(line.LastIndexOf(',') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static PretrainedModel Model()
    {
        PretrainedModel? model = PretrainedModels.Find("minilm");
        Assert.SkipWhen(model is null, "all-MiniLM-L6-v2 is not on this machine: workbook data fetch minilm");
        return model;
    }

    /// <summary>What the file itself answers for each token: [sentences, tokens, features].</summary>
    private static Tensor OfOnnxRuntime(PretrainedModel model, Tensor ids)
    {
        using InferenceSession session = new(model.Weights);
        NamedOnnxValue Input(string name, Tensor tensor) => NamedOnnxValue.CreateFromTensor(name,
            new DenseTensor<long>(tensor.contiguous().data<long>().ToArray().AsMemory(), [(int)ids.shape[0], (int)ids.shape[1]]));
        using var answers = session.Run(
            [Input("input_ids", ids), Input("attention_mask", ids.ne(0).to(int64)), Input("token_type_ids", zeros_like(ids))], ["last_hidden_state"]);
        return from_array(answers[0].AsTensor<float>().ToArray()).reshape(ids.shape[0], ids.shape[1], -1);
    }
}
