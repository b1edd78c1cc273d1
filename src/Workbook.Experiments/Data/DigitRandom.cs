namespace Workbook;

/// <summary>
/// The random stream of one drawn digit. Integer arithmetic and exactly rounded operations only, so that every
/// processor draws the same pictures (SplitMix64: Steele, Lea and Flood 2014).
/// </summary>
internal struct DigitRandom
{
    private ulong _state;

    /// <summary>The stream that belongs to (seed, index), whatever was drawn before and on whichever thread.</summary>
    public DigitRandom(long seed, int index)
    {
        _state = unchecked((ulong)seed * 0x9E3779B97F4A7C15UL);
        _state = Bits() ^ unchecked((ulong)(uint)index * 0xD1B54A32D192ED03UL);
        Bits();
    }

    private ulong Bits()
    {
        unchecked
        {
            _state += 0x9E3779B97F4A7C15UL;
            ulong z = _state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }

    /// <summary>An integer in [0, bound).</summary>
    public int Integer(int bound) => (int)((Bits() >> 32) * (ulong)bound >> 32);

    /// <summary>A number in [low, high).</summary>
    public double Uniform(double low, double high) => low + ((high - low) * ((Bits() >> 11) * (1.0 / (1UL << 53))));

    /// <summary>Nearly normal with mean 0 and standard deviation 1, never beyond ±3.47: the sum of four uniforms.</summary>
    public double Normal()
    {
        ulong a = Bits(), b = Bits();
        double sum = (uint)a + (double)(uint)(a >> 32) + (uint)b + (uint)(b >> 32);
        return ((sum / 4294967296.0) - 2.0) * 1.7320508075688772;
    }
}
