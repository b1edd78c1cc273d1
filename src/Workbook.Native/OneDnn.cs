using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Workbook.Native;

/// <summary>
/// libtorch leaves its convolutions to oneDNN, which pads channels to the width of a vector. On a virtual machine that hides the processor's caches
/// (an AMD EPYC 9005 whose CPUID leaves 4 and 0x8000001D are empty) it pads with whatever stood in that memory: answers and gradients are wrong, or
/// NaN, for numbers of channels that are no multiple of 16, as pruning leaves them. It is tried once, and where it is wrong, switched off: libtorch's
/// own convolutions take two to three times as long and are right.
/// </summary>
internal static unsafe class OneDnn
{
    // Numbers of floats as many as the padded images (4096) and weights (9216) of the trial take, and somewhat more.
    private static readonly int[] s_padded = [4096, 4112, 5120, 8192, 9216, 9232, 10240, 16384];

    /// <summary>Whether it was found to be wrong here, and switched off.</summary>
    internal static bool IsOff { get; private set; }

    /// <summary>Tries it where caches are hidden, and switches it off where it is wrong; torch has one thread then.</summary>
    /// <param name="torch">The file of libtorch_cpu, which is loaded.</param>
    /// <exception cref="WorkbookException">It is wrong, and can't be switched off.</exception>
    internal static void SwitchOffIfWrong(string torch)
    {
        if (!HidesCaches())
        {
            return;
        }

        // libtorch's own convolutions add up in another order with more threads, and cells run on several: one thread each, in every engine.
        int threads = get_num_threads();
        set_num_threads(1);
        if (!IsWrong())
        {
            set_num_threads(threads);
            return;
        }

        SwitchOff(NativeLibrary.Load(torch));
        IsOff = true;
        if (IsWrong())
        {
            throw new WorkbookException("libtorch computes convolutions wrongly on this machine: run the workbook on another one");
        }
    }

    private static bool HidesCaches() => X86Base.IsSupported && (X86Base.CpuId(4, 0).Eax & 31) == 0
        && (X86Base.CpuId(unchecked((int)0x8000001D), 0).Eax & 31) == 0;

    /// <summary>Whether a convolution of ones is anything but finite, where freed memory is full of infinities.</summary>
    internal static bool IsWrong()
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using IDisposable without = no_grad();
        Device cpu = CPU;
        Tensor images = ones([2, 25, 8, 8], float32, cpu), weights = ones([24, 25, 3, 3], float32, cpu);
        using (NewDisposeScope())
        {
            foreach (int count in s_padded)
            {
                for (int i = 0; i < 8; i++)
                {
                    _ = zeros([count], float32, cpu).log_();
                }
            }
        }

        return !nn.functional.conv2d(images, weights, padding: [1, 1]).isfinite().all().item<bool>();
    }

    // TorchSharp has no torch.backends.mkldnn; at::Context does.
    private static void SwitchOff(nint torch)
    {
        (string context, string oneDnn, string nnpack) = OperatingSystem.IsWindows()
            ? ("?globalContext@at@@YAAEAVContext@1@XZ", "?setUserEnabledMkldnn@Context@at@@QEAAX_N@Z", "?setUserEnabledNNPACK@Context@at@@QEAAX_N@Z")
            : ("_ZN2at13globalContextEv", "_ZN2at7Context20setUserEnabledMkldnnEb", "_ZN2at7Context20setUserEnabledNNPACKEb");
        if (NativeLibrary.TryGetExport(torch, context, out nint global))
        {
            nint at = ((delegate* unmanaged<nint>)global)();
            foreach (string name in (string[])[oneDnn, nnpack]) // NNPACK would say at each convolution that it can't be used here
            {
                if (NativeLibrary.TryGetExport(torch, name, out nint set))
                {
                    ((delegate* unmanaged<nint, byte, void>)set)(at, 0);
                }
            }
        }
    }
}
