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
        PretrainedModel? model = PretrainedModels.Find("minilm");
        Assert.SkipWhen(model is null, "all-MiniLM-L6-v2 is not on this machine: workbook data fetch minilm");
        BertEncoder network = BertEncoder.Load(model.Weights);
        Tensor ids = WordPieces.Read(model.Vocabulary!, network).Encode(s_sentences);
        Tensor ours = network.call(ids);

        using InferenceSession session = new(model.Weights);
        NamedOnnxValue Input(string name, Tensor tensor) => NamedOnnxValue.CreateFromTensor(name,
            new DenseTensor<long>(tensor.contiguous().data<long>().ToArray().AsMemory(), [(int)ids.shape[0], (int)ids.shape[1]]));
        using var answers = session.Run(
            [Input("input_ids", ids), Input("attention_mask", ids.ne(0).to(int64)), Input("token_type_ids", zeros_like(ids))], ["last_hidden_state"]);
        Tensor theirs = from_array(answers[0].AsTensor<float>().ToArray()).reshape(ours.shape);
        Assert.InRange(ours.sub(theirs).abs().mul(ids.ne(0).unsqueeze(2)).max().item<float>(), 0, 1e-4f);
        Assert.Equal(10_616_832, Mask.Full(network, "pooler", "embeddings").Total);
    }
}
