namespace Workbook;

/// <content>Measurements that are made once.</content>
public sealed partial class RunStore
{
    /// <summary>What was measured and kept.</summary>
    internal Measurements Measurements { get; }

    /// <summary>
    /// Numbers that are measured only if the store does not have them. They are known by all that they depend on: after an edit of a weight, of an example, of
    /// the measuring code or of the library they are measured again. Not for times, which are another machine's the next day.
    /// </summary>
    /// <param name="what">What is measured, for people who look into the store.</param>
    /// <param name="from">All that the numbers depend on: tensors, examples, masks, networks, texts, numbers, lists of them, and functions that are called
    /// through a variable. What <paramref name="measure"/> itself calls by name is seen in its code.</param>
    /// <param name="measure">Measures.</param>
    /// <exception cref="WorkbookException">Something of <paramref name="from"/> is of another kind.</exception>
    public IReadOnlyList<double> Measure(string what, IReadOnlyList<object?> from, Func<double[]> measure)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(measure);
        return Measurements.Get(what, [.. from, measure], () => Kept.Unkept(measure));
    }

    /// <summary>SHA-256 (lower-case hex) of what many measurements depend on, to be hashed once for all of them.</summary>
    /// <param name="from">As of <see cref="Measure"/>.</param>
    /// <exception cref="WorkbookException">As there.</exception>
    public static string HashOf(params object?[] from) => Measurements.HashOf(from);

    /// <summary>
    /// From now on what the library measures is kept in this store, and taken from it: <see cref="Trainer.Evaluate"/>, <see cref="Paths.Score"/>,
    /// <see cref="Plane.Score"/>, <see cref="Hessian.LargestEigenvalues"/>, <see cref="BezierCurve.Bend"/>. Notebooks do so.
    /// </summary>
    /// <returns>Ends it.</returns>
    public IDisposable KeepMeasurements() => Kept.In(Measurements.Get);
}
