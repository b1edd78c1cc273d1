using System.Globalization;

namespace Workbook.Tests;

/// <summary>A culture that writes numbers as no program reads them, until disposed: tests run without the system's cultures.</summary>
internal sealed class OddCulture : IDisposable
{
    private readonly CultureInfo _before = CultureInfo.CurrentCulture;

    internal OddCulture()
    {
        CultureInfo odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (odd.NumberFormat.NegativeSign, odd.NumberFormat.NumberDecimalSeparator, odd.NumberFormat.NumberGroupSeparator) = ("−", ",", " ");
        (odd.NumberFormat.PercentDecimalSeparator, odd.NumberFormat.PercentGroupSeparator, odd.NumberFormat.PercentSymbol) = (",", " ", "pct");
        CultureInfo.CurrentCulture = odd;
    }

    public void Dispose() => CultureInfo.CurrentCulture = _before;
}
