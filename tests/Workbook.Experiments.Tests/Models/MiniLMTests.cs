using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Workbook.Tests;

public sealed class MiniLMTests
{
    private static readonly string[] s_sentences =
    [
        "Call me Ishmael.", "Some years ago - never mind how long precisely - having little or no money in my purse, I thought I would sail about a little.",
        "It is a way I have of driving off the spleen, and regulating the circulation.", "Whenever it is a damp, drizzly November in my soul; Ça va?",
    ];
    private const string Folder = "/tmp/pk";

    [Fact]
    public void X()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        set_num_threads(1);
        var w = System.Diagnostics.Stopwatch.StartNew();
        BertEncoder net = BertEncoder.Load(Path.Combine(Folder, "model.onnx"));
        Console.Error.WriteLine($"load {w.Elapsed}"); w.Restart();
        WordPieces pieces = WordPieces.Read(Path.Combine(Folder, "vocab.txt"), net);
        Tensor ids = pieces.Encode(s_sentences);
        Console.Error.WriteLine($"tok {w.Elapsed} {string.Join(",", ids[0].data<long>().ToArray())}"); w.Restart();
        Tensor ours = net.call(ids);
        Console.Error.WriteLine($"run {w.Elapsed}"); w.Restart();
        using SessionOptions o = new() { IntraOpNumThreads = 1 };
        using InferenceSession session = new(Path.Combine(Folder, "model.onnx"), o);
        int[] shape = [(int)ids.shape[0], (int)ids.shape[1]];
        NamedOnnxValue In(string n, Tensor t) => NamedOnnxValue.CreateFromTensor(n, new DenseTensor<long>(t.contiguous().data<long>().ToArray().AsMemory(), shape));
        using var answers = session.Run([In("input_ids", ids), In("attention_mask", ids.ne(0).to(int64)), In("token_type_ids", zeros_like(ids))], ["last_hidden_state"]);
        Tensor theirs = from_array(answers[0].AsTensor<float>().ToArray()).reshape(ours.shape);
        Console.Error.WriteLine($"ort {w.Elapsed}"); w.Restart();
        Tensor diff = (ours - theirs).abs() * ids.ne(0).unsqueeze(2);
        Console.Error.WriteLine($"diff {diff.max().item<float>()} of {theirs.abs().max().item<float>()}");
        foreach (int b in new[] { 1, 32, 128 })
        {
            Tensor many = ids[0].unsqueeze(0).expand(b, -1).repeat(1, 3).narrow(1, 0, 20).contiguous();
            net.call(many); w.Restart();
            for (int i = 0; i < 5; i++) { net.call(many); }
            Console.Error.WriteLine($"batch {b}x20: {w.Elapsed.TotalMilliseconds / 5} ms");
        }
        Tensor e = net.Embed(ids);
        Console.Error.WriteLine(e.matmul(e.t()).str());
        GC.Collect();
        BertEncoder copy = BertEncoder.Load(Path.Combine(Folder, "model.onnx"));
        foreach ((string name, nn.Module block) in copy.named_modules().Where(m => m.name.StartsWith("encoder.layer.") && m.name.Length == 15).Take(2))
        {
        var cpu = System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime;
        ChannelGraph graph = ChannelGraph.Trace(block, [randn(1, 2, 384), zeros(1, 1, 1, 2)]);
        Console.Error.WriteLine($"{name} trace {System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime - cpu} {graph.Groups.Count}");
        Mask m = new ChannelPruner(Saliency.Magnitude).Prune(graph, 0.25);
        cpu = System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime;
        m.Apply(block); Tensor z = copy.call(ids);
        graph.Remove(m);
        Console.Error.WriteLine($"removed {System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime - cpu} diff {(copy.call(ids) - z).abs().max().item<float>()} {copy.parameters().Sum(p => p.numel())}");
        }
    }
}
