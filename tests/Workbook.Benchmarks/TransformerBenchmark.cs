using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Workbook.Benchmarks;

/// <summary>
/// all-MiniLM-L6-v2 on one thread: dense in libtorch and in ONNX Runtime, sparse, and without a third of its heads and hidden units. Each takes turns with the
/// dense network in libtorch. Needs <c>workbook data fetch minilm</c>.
/// </summary>
internal static class TransformerBenchmark
{
    private const int Tokens = 16, Pairs = 15;

    internal static void Run()
    {
        if (PretrainedModels.Find("minilm") is not { } model)
        {
            Console.WriteLine("transformer: all-MiniLM-L6-v2 is not on this machine: workbook data fetch minilm");
            return;
        }

        set_num_threads(1);
        using IDisposable still = no_grad();
        using SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using InferenceSession session = new(model.Weights, options);
        BertEncoder dense = BertEncoder.Load(model.Weights), sparse = BertEncoder.Load(model.Weights), smaller = BertEncoder.Load(model.Weights);
        Sparse.Convert(sparse, new Pruner(Saliency.Magnitude) { Scope = Scope.PerLayer("pooler", "embeddings") }.Prune(sparse, 0.8), fromSparsity: 0.5);
        foreach ((_, nn.Module block) in smaller.named_modules()
            .Where(m => m.name.Count(c => c == '.') == 2 && m.name.StartsWith("encoder.layer.", StringComparison.Ordinal)))
        {
            ChannelGraph graph = ChannelGraph.Trace(block, [randn(1, 2, 384), zeros(1, 1, 1, 2)]);
            graph.Remove(new ChannelPruner(Saliency.Magnitude).Prune(graph, 1 / 3.0));
        }

        Console.WriteLine($"| all-MiniLM-L6-v2, {Tokens} tokens each | 1 sentence | 32 sentences |\n|---|---|---|");
        Tensor[] inputs = [.. new[] { 1, 32 }.Select(count => randint(1000, 30_000, [count, Tokens], ScalarType.Int64))];
        IEnumerable<string> times = inputs.Select(i => Text("{0:F1} ms", Enumerable.Range(0, Pairs).Select(_ => Ours(dense, i)())));
        Console.WriteLine($"| dense, libtorch | {string.Join(" | ", times)} |");
        Row("dense, ONNX Runtime", input => Theirs(session, input));
        Row("80 % of the 36 matrices zero, sparse layers", input => Ours(sparse, input));
        Row("a third of heads and hidden units removed", input => Ours(smaller, input));

        void Row(string name, Func<Tensor, Func<double>> arm) => Console.WriteLine(
            $"| {name} | {string.Join(" | ", inputs.Select(i => Text("{0:F2}", Alternating.Ratios(arm(i), Ours(dense, i), Pairs))))} |");
    }

    private static string Text(string format, IEnumerable<double> values)
    {
        double[] all = [.. values];
        string One(double value) => string.Format(CultureInfo.InvariantCulture, format, value);
        return $"{One(Alternating.Median(all))} ({One(all.Min())} to {One(all.Max())})";
    }

    private static Func<double> Ours(BertEncoder network, Tensor input) => () =>
    {
        using DisposeScope scope = NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        network.call(input);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    };

    private static Func<double> Theirs(InferenceSession session, Tensor input)
    {
        int[] shape = [(int)input.shape[0], (int)input.shape[1]];
        NamedOnnxValue Named(string name, long[] values) => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(values.AsMemory(), shape));
        long[] ids = input.data<long>().ToArray();
        NamedOnnxValue[] inputs =
        [
            Named("input_ids", ids), Named("attention_mask", [.. ids.Select(_ => 1L)]), Named("token_type_ids", new long[ids.Length]),
        ];
        return () =>
        {
            long start = Stopwatch.GetTimestamp();
            using var answers = session.Run(inputs, ["last_hidden_state"]);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        };
    }
}
