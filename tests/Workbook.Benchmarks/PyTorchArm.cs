using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Workbook.Native;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>A Python process with PyTorch, one thread, that runs what it is told (<c>pytorch_arm.py</c>) and says how long it took.</summary>
internal sealed class PyTorchArm : IDisposable
{
    private readonly Process _process;

    private PyTorchArm(string python)
    {
        ProcessStartInfo start = new(python, [Path.Combine(AppContext.BaseDirectory, "pytorch_arm.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true
        };

        // OpenBLAS with pthreads does not heed torch.set_num_threads.
        start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = start.Environment["MKL_NUM_THREADS"] = "1";
        _process = Process.Start(start)!;
    }

    /// <summary>Starts PyTorch; where there is none, or its matrix product is no match, says so in one line.</summary>
    /// <returns>Null without PyTorch.</returns>
    internal static PyTorchArm? Start()
    {
        string[] candidates = Environment.GetEnvironmentVariable("WORKBOOK_PYTHON") is { Length: > 0 } named ? [named]
            : ["python3", "/usr/bin/python3", "python"];
        if (candidates.FirstOrDefault(HasTorch) is not { } python)
        {
            Console.WriteLine($"no comparison with PyTorch: {string.Join(", ", candidates)} can't import torch; install it (Debian, Ubuntu: apt-get "
                + $"install python3-torch libopenblas0-pthread) or name a Python that has it in WORKBOOK_PYTHON");
            return null;
        }

        PyTorchArm arm = new(python);
        arm.CheckFairness();
        return arm;
    }

    /// <summary>Another process of the same Python.</summary>
    internal PyTorchArm Another() => new(_process.StartInfo.FileName);

    /// <summary>Trains LeNet-300-100 on random images.</summary>
    /// <param name="masking"><c>none</c>, <c>prune</c> (torch.nn.utils.prune) or <c>hand</c> (<c>weight.data.mul_(mask)</c> after each step).</param>
    /// <param name="batch">Examples a step.</param>
    /// <param name="sparsity">Of each layer.</param>
    /// <param name="steps">How many.</param>
    /// <returns>Seconds.</returns>
    internal double Train(string masking, int batch, double sparsity, int steps) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $"train {masking} {batch} {sparsity} {steps}")).GetDouble();

    /// <summary>Prunes weights of these shapes by <c>global_unstructured</c>.</summary>
    /// <returns>Seconds.</returns>
    internal double Prune(double sparsity, IEnumerable<long[]> shapes) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $"prune {sparsity} {JsonSerializer.Serialize(shapes)}")).GetDouble();

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private JsonElement Ask(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        return JsonSerializer.Deserialize<JsonElement>(_process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"PyTorch's process has ended at '{command}'; its reason is above"));
    }

    private void CheckFairness()
    {
        JsonElement about = Ask("about");
        (double theirs, double ours) = (about.GetProperty("gflops").GetDouble(), OwnGflops());
        Console.WriteLine($"PyTorch {about.GetProperty("version")}: {theirs:F0} GFLOP/s in a matrix product on one thread, libtorch here {ours:F0}");
        if (theirs < ours / 3)
        {
            Console.WriteLine($"the comparison is UNFAIR: PyTorch's matrix product comes from a slow library ({about.GetProperty("blas")}); install a fast "
                + $"one (Debian, Ubuntu: apt-get install libopenblas0-pthread)");
        }
    }

    private static double OwnGflops()
    {
        Libtorch.Load();
        set_num_threads(1);
        using Tensor a = randn(1024, 1024);
        return Enumerable.Range(0, 5).Max(_ =>
        {
            Stopwatch watch = Stopwatch.StartNew();
            a.mm(a).Dispose();
            return 2 * Math.Pow(1024, 3) / watch.Elapsed.TotalSeconds / 1e9;
        });
    }

    private static bool HasTorch(string python)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python, ["-c", "import torch"]) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
