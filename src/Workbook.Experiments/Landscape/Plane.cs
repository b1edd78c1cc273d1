using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The plane through three solutions (Garipov et al. 2018, appendix): the origin is the first, the x axis goes to the
/// second, lengths are those of weight space.
/// </summary>
public sealed class Plane : IDisposable
{
    private readonly Tensor _origin, _x, _y;

    /// <param name="origin">[parameters].</param>
    /// <param name="second">[parameters].</param>
    /// <param name="third">[parameters].</param>
    /// <exception cref="WorkbookException">The three lie on one line.</exception>
    public Plane(Tensor origin, Tensor second, Tensor third)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = second.sub(origin), y = third.sub(origin);
        (double width, double length) = (x.norm().Value(), y.norm().Value());
        x = x.Over(width);
        double along = x.dot(y).Value();
        y = y.sub(x.Times(along));
        double height = y.norm().Value();
        if (!(width > 0 && height > 1e-5 * length))
        {
            throw new WorkbookException("three points on one line make no plane: choose others");
        }

        (_origin, _x, _y) = (origin.clone().DetachFromDisposeScope(), x.DetachFromDisposeScope(), y.Over(height).DetachFromDisposeScope());
        Corners = [(0, 0), (width, 0), (along, height)];
    }

    /// <summary>Where the three solutions are.</summary>
    public IReadOnlyList<(double X, double Y)> Corners { get; }

    /// <summary>The point of weight space at a place of the plane, [parameters].</summary>
    public Tensor At(double x, double y) => _origin.Plus(_x.Times(x)).Plus(_y.Times(y));

    /// <summary>Scores a network over a grid.</summary>
    /// <param name="model">A network without batch norm; it is back where it was afterwards.</param>
    /// <param name="xs">Places along x.</param>
    /// <param name="ys">Places along y.</param>
    /// <param name="data">What it is scored on.</param>
    /// <returns>[ys, xs].</returns>
    /// <exception cref="WorkbookException">As <see cref="Paths.Score"/>.</exception>
    public Score[][] Score(nn.Module<Tensor, Tensor> model, IReadOnlyList<double> xs, IEnumerable<double> ys, LabelledTensors data)
    {
        ArgumentNullException.ThrowIfNull(xs);
        ArgumentNullException.ThrowIfNull(ys);
        double[] rows = [.. ys];
        double[] found = Kept.Numbers("plane", [model, _origin, _x, _y, xs, rows, data], () =>
            [.. rows.SelectMany(y => Paths.Score(model, x => At(x, y), xs, data)).SelectMany(p => new[] { p.Score.Loss, p.Score.Accuracy })]);
        return [.. found.Chunk(2).Select(s => new Score(s[0], s[1])).Chunk(Math.Max(1, xs.Count))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _origin.Dispose();
        _x.Dispose();
        _y.Dispose();
    }
}
