using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A direction for each channel: what moves along it shows in which channels it has its source, whatever it was multiplied with on its way. The moves of
/// a layer's channels add up to nothing, so that a mean over them does not show.
/// </summary>
internal sealed class CodeBook
{
    private readonly double[][] _codes;
    private readonly Dictionary<int, double[][]> _ofWidth = [];

    internal CodeBook(int largest)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(0, "codes");
        _codes = [.. Enumerable.Range(0, Passes + 1).Select(_ => randn(largest, ScalarType.Float64, generator: generator).data<double>().ToArray())];
    }

    /// <summary>How many numbers a direction has.</summary>
    internal static int Passes => 6;

    /// <summary>For a layer of a width: pass → channel → move.</summary>
    internal double[][] Of(int width)
    {
        lock (_ofWidth)
        {
            return _ofWidth.TryGetValue(width, out double[][]? known) ? known : _ofWidth[width] = [.. _codes.Take(Passes).Select(c => Centred(c, width))];
        }
    }

    /// <summary>Moves that are all of a size, up or down.</summary>
    internal double[] Signs(int width)
    {
        double[] signs = [.. _codes[Passes].Take(width).Select((c, i) => (i % 2 == 0 ? 1 : -1) * (1 + (0.3 * Math.Tanh(c))))];
        return width < 3 ? signs : Centred(signs, width);
    }

    /// <summary>The channels that vectors come from: of each the index, −1 where it is no multiple of one channel's direction.</summary>
    /// <param name="vectors">Input → a number for each pass.</param>
    /// <param name="width">Of the layers that they may come from.</param>
    /// <param name="precise">Whether the numbers are float64.</param>
    internal int[] Sources(IReadOnlyList<double[]> vectors, int width, bool precise)
    {
        if (vectors.Count == 0)
        {
            return [];
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor book = tensor(Of(width).SelectMany(p => p).ToArray()).reshape(Passes, width);
        book = book / book.square().sum(0L, keepdim: true).sqrt();
        Tensor seen = tensor(vectors.SelectMany(v => v).ToArray()).reshape(vectors.Count, Passes);
        seen = seen / seen.square().sum(1L, keepdim: true).sqrt().AtLeast(1e-300);
        (Tensor cosine, Tensor index) = seen.mm(book).abs().max(1L);
        double[] cosines = cosine.data<double>().ToArray();
        long[] indices = index.data<long>().ToArray();
        double tolerance = precise ? 5e-5 : 3e-3;
        return [.. cosines.Select((c, i) => c > 1 - tolerance ? (int)indices[i] : -1)];
    }

    private static double[] Centred(double[] codes, int width) =>
        width < 3 ? [.. codes.Take(width)] : codes.Take(width).Average() is var mean ? [.. codes.Take(width).Select(c => c - mean)] : [];
}
