using Workbook.Cli.Engines;
using Workbook.Cli.Tests.Running;
using Xunit;

namespace Workbook.Cli.Tests.Engines;

public sealed class KernelMemoryTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>A thread's own heaps end at 64 MiB: what is larger goes back to the system, and each page of the next tensor is cleared anew.</summary>
    [Theory]
    [InlineData(Engine.Own)]
    [InlineData(Engine.Interactive)]
    public void Memory_of_a_thread_s_large_tensor_is_there_for_the_next_one(string engine)
    {
        KernelTool.RequireFor(engine);
        Assert.SkipUnless(File.Exists("/proc/thread-self/stat"), "page faults are counted where Linux counts them");
        _workspace.Write("n", $"#!import {Repository.PathOf("lab.csx")}", """
            const int Pages = 150 << 8;
            void Make(int count) { for (int i = 0; i < count; i++) using (Tensor large = zeros(Pages << 10)) { } }
            long Faults()
            {
                string stat = File.ReadAllText("/proc/thread-self/stat");
                return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[7]);
            }
            long share = 0; // of 60 tensors' pages: it takes some tensors until a place for them has been found
            Thread thread = new(() => { long before = Faults(); Make(60); share = 100 * (Faults() - before) / (60 * Pages); });
            thread.Start();
            thread.Join();
            Console.Write(share < 50 ? "kept" : $"{share} % of the pages are new");
            """);
        (int exitCode, _, string errors) = _workspace.Run("run", "n.ipynb", "--kernel", engine);
        Assert.True(exitCode == 0, errors);
        Assert.Equal(["stdout: kept"], Running.Notebooks.Outputs(_workspace.Executed("n"), 1));
    }
}
