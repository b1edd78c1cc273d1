using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// The product of SparseLinear beside those of others, on one thread, the arms in turn: libtorch's dense one, libtorch's compressed rows, libxsmm's. All
/// multiply the same matrix [out, in] with the same [in, batch], without biases, and are checked for the same result before.
/// </summary>
internal static class PeerBenchmark
{
    private const int Batch = 128, Pairs = 15;

    /// <summary>TorchSharp makes no such tensor itself, and compiles what does.</summary>
    private const string Script = "def compressed(weight):\n    return weight.to_sparse_csr()\n";
    private static readonly double[] s_sparsities = [0.9, 0.95, 0.98, 0.99];
    private static readonly TimeSpan s_armTime = TimeSpan.FromMilliseconds(4);

    static PeerBenchmark() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);

    internal static void Run()
    {
        set_num_threads(1);
        Console.WriteLine($"time of others' product over that of SparseLinear, {Batch} examples");
        if (Xsmm.Missing is { } missing)
        {
            Console.WriteLine($"without libxsmm: {missing}");
        }

        foreach ((int inputs, int outputs) in new[] { (784, 300), (300, 100) })
        {
            Console.WriteLine($"\n{inputs}×{outputs}");
            foreach (double sparsity in s_sparsities)
            {
                Compare(inputs, outputs, sparsity);
            }
        }
    }

    private static unsafe void Compare(int inputs, int outputs, double sparsity)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = RandomStream.Of(1, "mask");
        Linear dense = nn.Linear(inputs, outputs, hasBias: false);
        Tensor kept = rand([outputs, inputs], generator: generator) >= sparsity;
        dense.weight!.mul_(kept);
        using SparseLinear sparse = new(dense, kept);
        Tensor memory = rand([inputs, Batch], generator: generator), rows = memory.t(), ordinary = rows.contiguous(), expected = dense.forward(ordinary);
        using jit.CompilationUnit unit = jit.compile(Script);
        Tensor compressed = (Tensor)unit.invoke("compressed", dense.weight), result = empty(outputs, Batch);
        List<(string Name, Func<Tensor> Product)> peers =
        [
            ("libtorch, dense", () => dense.forward(ordinary)),
            ("libtorch, compressed rows", () => mm(compressed, memory).t()),
        ];
        using Xsmm? xsmm = Xsmm.Missing is null ? new(outputs, Batch, inputs, FeatureMajor.Pointer(dense.weight)) : null;
        if (xsmm is not null)
        {
            peers.Add(("libxsmm", () =>
            {
                xsmm.Product(FeatureMajor.Pointer(memory), FeatureMajor.Pointer(result));
                return result.t();
            }
            ));
        }

        double[] differences = [.. peers.Select(p => p.Product()).Append(sparse.forward(rows)).Select(r => (r - expected).abs().max().item<float>())];
        if (differences.Any(d => !(d < 1e-3)))
        {
            throw new InvalidOperationException($"results differ by up to {differences.Max()}: nothing was compared");
        }

        foreach ((string name, Func<Tensor> product) in peers)
        {
            Alternating.Compare($"  {sparsity,3:P0}  {name}", "µs", () => Time(product), () => Time(() => sparse.forward(rows)), Pairs);
        }
    }

    private static double Time(Func<Tensor> product) => 1e6 * Alternating.MedianCall(() => product().Dispose(), s_armTime);
}
