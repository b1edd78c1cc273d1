using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Networks as points: all parameters of one, in its own order, as one vector. Buffers (batch-norm statistics) are no coordinates.</summary>
public static class Point
{
    /// <summary>Where a network is.</summary>
    /// <returns>Float32 [parameters]; a copy.</returns>
    public static Tensor Of(nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return cat([.. model.parameters().Select(p => p.detach().flatten())]).MoveToOuterDisposeScope();
    }

    /// <summary>Moves a network to a point.</summary>
    /// <param name="model">The network, changed in place.</param>
    /// <param name="point">[parameters].</param>
    /// <exception cref="WorkbookException">The point has another number of coordinates than the network has parameters.</exception>
    public static void MoveTo(this nn.Module model, Tensor point)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(point);
        Parameter[] parameters = [.. model.parameters()];
        long coordinates = parameters.Sum(p => p.numel());
        if (point.dim() != 1 || point.numel() != coordinates)
        {
            throw new WorkbookException($"the network has {coordinates} parameters, the point is [{string.Join(", ", point.shape)}]");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((Parameter parameter, Tensor part) in parameters.Zip(point.split([.. parameters.Select(p => p.numel())])))
        {
            parameter.copy_(part.reshape(parameter.shape));
        }
    }

    /// <summary>Euclidean distance.</summary>
    /// <param name="a">[parameters].</param>
    /// <param name="b">[parameters].</param>
    /// <exception cref="WorkbookException">They have different numbers of coordinates.</exception>
    public static double Distance(Tensor a, Tensor b)
    {
        CheckAlike(a, b);
        using DisposeScope scope = NewDisposeScope();
        return a.sub(b).to(ScalarType.Float64).norm().item<double>();
    }

    /// <summary>Cosine of the angle that two points make at the origin; NaN if one is the origin.</summary>
    /// <param name="a">[parameters].</param>
    /// <param name="b">[parameters].</param>
    /// <exception cref="WorkbookException">They have different numbers of coordinates.</exception>
    public static double Cosine(Tensor a, Tensor b)
    {
        CheckAlike(a, b);
        using DisposeScope scope = NewDisposeScope();
        (Tensor x, Tensor y) = (a.to(ScalarType.Float64), b.to(ScalarType.Float64));
        return x.dot(y).div(x.norm().mul(y.norm())).item<double>();
    }

    /// <summary>
    /// Points of the plane with these distances, as nearly as a plane allows (classical multidimensional scaling,
    /// Torgerson 1952: the two leading eigenvectors of the doubly centred squares).
    /// </summary>
    /// <param name="points">The points, each [parameters].</param>
    /// <returns>A pair of coordinates for each; the axes are turned and mirrored as they come.</returns>
    /// <exception cref="WorkbookException">They have different numbers of coordinates.</exception>
    public static (double X, double Y)[] Map(IReadOnlyList<Tensor> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        using DisposeScope scope = NewDisposeScope();
        double[] squares = [.. points.SelectMany(a => points.Select(b => Math.Pow(Distance(a, b), 2)))];
        Tensor d = tensor(squares).reshape(points.Count, points.Count);
        Tensor centre = eye(points.Count, dtype: ScalarType.Float64).Plus(-1.0 / points.Count);
        (Tensor values, Tensor vectors) = linalg.eigh(centre.mm(d).mm(centre).Times(-0.5)); // rising
        Tensor coordinates = vectors.mul(values.AtLeast(0).sqrt());
        double At(long point, int axis) => points.Count > axis ? coordinates[point, points.Count - 1 - axis].item<double>() : 0;
        return [.. Enumerable.Range(0, points.Count).Select(i => (At(i, 0), At(i, 1)))];
    }

    private static void CheckAlike(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dim() != 1 || !a.shape.SequenceEqual(b.shape))
        {
            throw new WorkbookException($"two points of one weight space are needed, and these are [{string.Join(", ", a.shape)}] and "
                + $"[{string.Join(", ", b.shape)}]: take Point.Of networks of one kind");
        }
    }
}
