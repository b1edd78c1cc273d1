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

    /// <summary>As the other overload, a series for each method.</summary>
    /// <param name="curves">Of one level.</param>
    /// <param name="least">As there.</param>
    /// <param name="times">As there.</param>
    public static IEnumerable<Series> ToSeries(this Measured<Curve> curves, double least = 0, double times = 1)
    {
        ArgumentNullException.ThrowIfNull(curves);
        return curves.Methods.Select(method => curves[method].ToSeries(method, least, times));
    }

    /// <summary>Scores along paths as a chart's series.</summary>
    /// <param name="paths">All at the same places.</param>
    /// <param name="name">The path.</param>
    /// <param name="number">What is drawn of each score.</param>
    public static Series ToSeries(this PerSeed<PathScore[]> paths, string name, Func<Score, double> number)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return new(name, [.. paths[0].Select(p => p.Alpha)], [.. paths.Select(path => path.Select(p => number(p.Score)).ToArray())]);
    }

    /// <summary>The gradient's norm before and after each change of the mask, both at its step.</summary>
    public static Curve Jumps(this GradientNormCurves norm)
    {
        ArgumentNullException.ThrowIfNull(norm);
        return new([.. norm.BeforeChange.Steps.SelectMany(step => new[] { step, step })],
            [.. norm.BeforeChange.Values.Zip(norm.AfterChange.Values).SelectMany(p => new[] { p.First, p.Second })]);
    }

    /// <summary>The gradient's norm after each change of the mask as a multiple of that before it.</summary>
    public static IReadOnlyList<double> Ratios(this GradientNormCurves norm)
    {
        ArgumentNullException.ThrowIfNull(norm);
        return [.. norm.AfterChange.Values.Zip(norm.BeforeChange.Values, (after, before) => after / before)];
    }

    /// <summary>For captions: "SGD 0.1, batch 128, 423 steps".</summary>
    /// <param name="recipe">How something is trained.</param>
    /// <param name="data">On what.</param>
    public static string InWords(this Recipe recipe, LabelledTensors data)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(data);
        string optimizer = recipe.Optimizer == OptimizerKind.Adam ? "Adam" : "SGD";
        return FormattableString.Invariant($"{optimizer} {recipe.LearningRate}, batch {recipe.BatchSize}, {recipe.StepsOver(data.Count):N0} steps");
    }

    /// <summary>The value at the noted step that is nearest.</summary>
    /// <exception cref="WorkbookException">The curve is empty.</exception>
    public static double Near(this Curve curve, long step) => curve is { Steps.Count: > 0 }
        ? curve.Values[Enumerable.Range(0, curve.Steps.Count).MinBy(i => Math.Abs(curve.Steps[i] - step))]
            : throw new WorkbookException("the curve has no value");

    /// <summary>The first noted step whose value is as asked; null where none is.</summary>
    public static long? FirstStep(this Curve curve, Func<double, bool> which)
    {
        ArgumentNullException.ThrowIfNull(curve);
        return curve.Steps.Zip(curve.Values).Where(p => which(p.Second)).Select(p => (long?)p.First).FirstOrDefault();
    }
}
