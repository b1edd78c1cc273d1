namespace Workbook.Notebook;

/// <summary>One method's results along x, for one or more seeds.</summary>
/// <param name="Name">The method, as the legend shows it; decides the colour (<see cref="Palette.For"/>).</param>
/// <param name="X">Where it was measured.</param>
/// <param name="Values">What was measured: <c>Values[seed][i]</c> at <c>X[i]</c>.</param>
public sealed record Series(string Name, double[] X, double[][] Values)
{
    /// <summary>A series without seeds: one value at each x.</summary>
    public Series(string name, double[] x, double[] y)
        : this(name, x, [y])
    {
    }

    /// <summary>Mean and standard deviation over seeds at <c>X[index]</c>.</summary>
    public Summary At(int index) => Summary.Of(Values.Select(seed => seed[index]));

    /// <exception cref="WorkbookException">A seed has another number of values than there are x.</exception>
    internal void Check()
    {
        if (Values.Length == 0 || Values.FirstOrDefault(seed => seed.Length != X.Length) is not null)
        {
            throw new WorkbookException($"series \"{Name}\": {X.Length} points along x need as many values for each seed, "
                + $"got {(Values.Length == 0 ? "no seed" : string.Join(", ", Values.Select(v => v.Length)))}");
        }
    }
}
