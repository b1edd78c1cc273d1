using System.Globalization;

namespace Workbook;

/// <summary>How much of what is left to prune, as torch.nn.utils.prune takes it: a fraction, or a number of pieces.</summary>
public readonly record struct Amount
{
    private readonly double _fraction;
    private readonly long? _count;

    private Amount(double fraction, long? count) => (_fraction, _count) = (fraction, count);

    /// <summary>A fraction of the pieces that are left.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <exception cref="WorkbookException">Below 0, above 1, or not a number.</exception>
    public static Amount Fraction(double fraction) => fraction is >= 0 and <= 1 ? new(fraction, null)
        : throw new WorkbookException(string.Create(CultureInfo.InvariantCulture,
            $"an amount is a fraction from 0 to 1, not {fraction}; for a number of weights give an integer"));

    /// <summary>A number of pieces: weights, rows, channels.</summary>
    /// <param name="count">From 0 to the number that is left when it is used; more is an error there.</param>
    /// <exception cref="WorkbookException">Below 0.</exception>
    public static Amount Count(long count) => count >= 0 ? new(0, count)
        : throw new WorkbookException($"an amount is a number of weights from 0, not {count}");

    /// <summary>As <see cref="Fraction"/>.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <exception cref="WorkbookException">Below 0, above 1, or not a number.</exception>
    public static implicit operator Amount(double fraction) => Fraction(fraction);

    /// <summary>As <see cref="Count"/>, for integers of every type: 1 is one piece, 1.0 is all.</summary>
    /// <param name="count">From 0.</param>
    /// <exception cref="WorkbookException">Below 0, or above what a long holds.</exception>
    public static implicit operator Amount(long count) => Count(count);

    /// <inheritdoc cref="op_Implicit(long)"/>
    public static implicit operator Amount(uint count) => Count(count);

    /// <inheritdoc cref="op_Implicit(long)"/>
    public static implicit operator Amount(ulong count) => count <= long.MaxValue ? Count((long)count)
        : throw new WorkbookException($"an amount is a number of weights up to {long.MaxValue}, not {count}");

    /// <summary>The number of pieces that go; a fraction is rounded half to even, as PyTorch rounds.</summary>
    /// <exception cref="WorkbookException">More than there are.</exception>
    internal long Of(long pieces) => _count is not { } count ? (long)Math.Round(_fraction * pieces, MidpointRounding.ToEven)
        : count <= pieces ? count
        : throw new WorkbookException($"{count} can't be pruned: {pieces} are left");
}
