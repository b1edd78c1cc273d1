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
    private readonly Dictionary<int, (double[] Firsts, (double[] Code, int Channel)[] Book)> _books = [];

    internal CodeBook(int largest)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(0, "codes");
        _codes = [.. Enumerable.Range(0, Passes + 1).Select(_ => randn(largest, ScalarType.Float64, generator: generator).data<double>().ToArray())];
    }

    /// <summary>How many numbers a direction has.</summary>
    internal static int Passes => 6;

    /// <summary>How many directions more than layers there are.</summary>
    internal static int Spare => 3;

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
        (double[] firsts, (double[] Code, int Channel)[] book) = Book(width);
        double tolerance = precise ? 5e-5 : 3e-3, distance = Math.Sqrt(2 * tolerance);
        return [.. vectors.Select(v =>
        {
            double[] seen = Unit(v);
            int from = Array.BinarySearch(firsts, seen[0] - distance);
            (double best, int channel) = (1 - tolerance, -1);
            // Directions that are so alike are so in their first number.
            for (int i = from < 0 ? ~from : from; i < firsts.Length && firsts[i] <= seen[0] + distance; i++)
            {
                if (Dot(seen, book[i].Code) is var cosine && cosine > best)
                {
                    (best, channel) = (cosine, book[i].Channel);
                }
            }

            return channel;
        })];
    }

    /// <summary>Moves of a producer's own, no multiples of each other's.</summary>
    internal static double[] Own(int producer, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(producer, "own");
        return Centred(randn(width, ScalarType.Float64, generator: generator).data<double>().ToArray(), width);
    }

    /// <summary>The directions of a width, up and down, in the order of their first numbers.</summary>
    private (double[] Firsts, (double[] Code, int Channel)[] Book) Book(int width)
    {
        lock (_ofWidth)
        {
            if (!_books.TryGetValue(width, out var known))
            {
                double[][] passes = Of(width);
                (double[] Code, int Channel)[] book = [.. Enumerable.Range(0, width).SelectMany(c => new[] { 1, -1 }
                    .Select(sign => (Code: Unit([.. passes.Select(p => sign * p[c])]), c))).OrderBy(b => b.Code[0])];
                _books[width] = known = ([.. book.Select(b => b.Code[0])], book);
            }

            return known;
        }
    }

    private static double Dot(double[] one, double[] other)
    {
        double sum = 0;
        for (int i = 0; i < one.Length; i++)
        {
            sum += one[i] * other[i];
        }

        return sum;
    }

    private static double[] Unit(double[] vector) => Math.Max(Math.Sqrt(Dot(vector, vector)), 1e-300) is var length
        ? [.. vector.Select(v => v / length)] : [];

    private static double[] Centred(double[] codes, int width) =>
        width < 3 ? [.. codes.Take(width)] : codes.Take(width).Average() is var mean ? [.. codes.Take(width).Select(c => c - mean)] : [];
}
