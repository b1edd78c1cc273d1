namespace Workbook.Notebook;

/// <summary>What is asked of the curves of trainings, one a seed or alone.</summary>
public static class Curves
{
    /// <summary>Curves of several seeds as a chart's series.</summary>
    /// <param name="curves">All with the same steps.</param>
    /// <param name="name">The method.</param>
    /// <param name="least">Steps below this stand at it: 1 on a logarithmic axis, which has no 0.</param>
    /// <param name="times">What values are multiplied by: 100 for shares in %.</param>
    /// <exception cref="WorkbookException">The curves have different steps.</exception>
    public static Series ToSeries(this PerSeed<Curve> curves, string name, double least = 0, double times = 1)
    {
        ArgumentNullException.ThrowIfNull(curves);
        return curves.All(c => c.Steps.SequenceEqual(curves[0].Steps))
            ? new(name, [.. curves[0].Steps.Select(step => Math.Max(least, step))], [.. curves.Select(c => c.Values.Select(v => times * v).ToArray())])
            : throw new WorkbookException($"the curves of '{name}' have different steps: note them at the same ones");
    }

    /// <summary>The value at the noted step that is nearest.</summary>
    /// <exception cref="WorkbookException">The curve is empty.</exception>
    public static double Near(this Curve curve, long step) => curve is { Steps.Count: > 0 }
        ? curve.Values[Enumerable.Range(0, curve.Steps.Count).MinBy(i => Math.Abs(curve.Steps[i] - step))] : throw new WorkbookException("the curve has no value");

    /// <summary>The first noted step whose value is as asked; null where none is.</summary>
    public static long? FirstStep(this Curve curve, Func<double, bool> which)
    {
        ArgumentNullException.ThrowIfNull(curve);
        return curve.Steps.Zip(curve.Values).Where(p => which(p.Second)).Select(p => (long?)p.First).FirstOrDefault();
    }
}
