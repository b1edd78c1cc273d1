using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Workbook.Benchmarks;

/// <summary>
/// Debian's libxsmm (<c>libxsmm-dev</c>), as a peer: a compressed matrix times a dense one, <c>libxsmm_spmdm</c>. The package has only a static library,
/// which the C compiler makes a shared one of. Its other product of that kind, fsspmdm, needs AVX-512 and becomes a dense one beyond a few hundred
/// different weights.
/// </summary>
internal sealed unsafe class Xsmm : IDisposable
{
    /// <summary>More than <c>libxsmm_spmdm_handle</c> has.</summary>
    private const int HandleBytes = 256;
    private const string Archive = "/usr/lib/libxsmm.a", WithoutBlas = "/usr/lib/libxsmmnoblas.a";
    private static readonly float s_one = 1, s_zero;
    private static readonly Lazy<(nint Library, string? Missing)> s_library = new(Load);
    private readonly void* _handle = NativeMemory.AllocZeroed(HandleBytes);
    private readonly nint _slices;
    private readonly int _blocks;
    private readonly delegate* unmanaged<void*, byte, byte, float*, nint, float*, byte, float*, float*, int, int, int, void> _compute;

    /// <param name="rows">Of the matrix.</param>
    /// <param name="batch">Columns of what it is multiplied with.</param>
    /// <param name="columns">Of the matrix.</param>
    /// <param name="dense">It with its zeros, row by row.</param>
    internal Xsmm(int rows, int batch, int columns, float* dense)
    {
        nint slices;
        ((delegate* unmanaged<int, int, int, int, void*, nint*, void>)Export("init"))(rows, batch, columns, 1, _handle, &slices);
        _slices = slices;
        int parts = ((delegate* unmanaged<void*, int>)Export("get_num_createSparseSlice_blocks"))(_handle);
        for (int part = 0; part < parts; part++)
        {
            ((delegate* unmanaged<void*, byte, float*, nint, int, int, int, void>)Export("createSparseSlice_fp32_thread"))(
                _handle, (byte)'N', dense, _slices, part, 0, 1);
        }

        _blocks = ((delegate* unmanaged<void*, int>)Export("get_num_compute_blocks"))(_handle);
        _compute = (delegate* unmanaged<void*, byte, byte, float*, nint, float*, byte, float*, float*, int, int, int, void>)Export("compute_fp32_thread");
    }

    /// <summary>Why it can't be measured here; null where it can.</summary>
    internal static string? Missing => s_library.Value.Missing;

    /// <summary>output = matrix · input.</summary>
    /// <param name="input">[columns][batch].</param>
    /// <param name="output">[rows][batch]; overwritten.</param>
    internal void Product(float* input, float* output)
    {
        fixed (float* one = &s_one, zero = &s_zero)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _compute(_handle, (byte)'N', (byte)'N', one, _slices, input, (byte)'N', zero, output, block, 0, 1);
            }
        }
    }

    public void Dispose()
    {
        ((delegate* unmanaged<void*, void>)Export("destroy"))(_handle);
        NativeMemory.Free(_handle);
    }

    private static nint Export(string name) => NativeLibrary.GetExport(s_library.Value.Library, "libxsmm_spmdm_" + name);

    private static (nint Library, string? Missing) Load()
    {
        if (NativeLibrary.TryLoad("libxsmm.so", out nint library))
        {
            return (library, null);
        }

        if (!File.Exists(Archive))
        {
            return (0, $"there is no {Archive}: apt-get install libxsmm-dev");
        }

        string shared = Path.Combine(Path.GetTempPath(), $"{Environment.ProcessId}-libxsmm.so");
        try
        {
            using Process compiler = Process.Start("cc", ["-shared", "-o", shared, "-Wl,--whole-archive", Archive, "-Wl,--no-whole-archive", WithoutBlas,
                "-lm", "-lpthread", "-ldl", "-lrt"]);
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? (NativeLibrary.Load(shared), null) : (0, $"the C compiler made no shared library of {Archive}");
        }
        catch (Win32Exception)
        {
            return (0, $"{Archive} is a static library, and there is no C compiler to make a shared one of it");
        }
        finally
        {
            File.Delete(shared); // it stays loaded
        }
    }
}
