using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>The second derivatives of the mean cross-entropy over what is left of a network.</summary>
public static class Hessian
{
    private const int BetweenLooks = 5;

    /// <summary>
    /// The largest eigenvalues, by Lanczos' method (Lanczos 1950) on Hessian-vector products (Pearlmutter 1994) with full
    /// reorthogonalization, in training mode. The model's own gradients, its mode and its batch-norm statistics stay as they are.
    /// An eigenvalue that occurs several times may be found only once.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="batch">The examples, all at once.</param>
    /// <param name="count">How many eigenvalues.</param>
    /// <param name="mask">What is left, applied to the model already: rows and columns of pruned weights are left out; null for everything.</param>
    /// <param name="tolerance">Each eigenvalue's error is at most this fraction of the largest size of an eigenvalue; single precision reaches about
    /// 1e-5.</param>
    /// <param name="steps">Hessian-vector products at most; each keeps a vector of the weights that are left.</param>
    /// <returns>The eigenvalues, falling.</returns>
    /// <exception cref="WorkbookException">
    /// Fewer weights are left than eigenvalues asked for, the tolerance is not met in so many steps, or as <see cref="GradientNorm.Of"/>.
    /// </exception>
    public static IReadOnlyList<double> LargestEigenvalues(
        nn.Module<Tensor, Tensor> model, LabelledTensors batch, int count = 1, Mask? mask = null, double tolerance = 1e-4, int steps = 200)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        string[] frozen = [.. model.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name)];
        return Kept.Numbers("Hessian", [model, batch, count, mask, tolerance, steps, frozen], () => Measure(model, batch, count, mask, tolerance, steps));
    }

    private static double[] Measure(nn.Module<Tensor, Tensor> model, LabelledTensors batch, int count, Mask? mask, double tolerance, int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: true);
        using IDisposable withGrad = enable_grad();
        FreeParameters free = new(model, mask);
        // One graph for all products: gradient·v is differentiated again for each v.
        Tensor gradient = free.Flat(free.Gradients(FreeParameters.Loss(model, batch), again: true));
        if (count < 1 || count > gradient.numel() || count > steps)
        {
            throw new WorkbookException($"from 1 to {Math.Min(gradient.numel(), steps)} eigenvalues can be had, as many as there are weights left and "
                + $"steps; {count} were asked for");
        }

        return Lanczos(v => free.Flat(free.Gradients(gradient.dot(v), retain: true)).detach(), gradient, count, tolerance, steps);
    }

    private static double[] Lanczos(Func<Tensor, Tensor> product, Tensor like, int count, double tolerance, int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(0, "Lanczos");
        long most = Math.Min(steps, like.numel());
        double nothing = like.dtype == ScalarType.Float64 ? 1e-14 : 1e-6;
        List<Tensor> basis = [];
        List<double> diagonal = [], beside = [];
        Tensor next = Unit(Random());
        while (true)
        {
            using DisposeScope step = NewDisposeScope();
            // Once more: of the small rest that a vector may be, rounding errors are a large part.
            basis.Add(Unit(Orthogonal(next)).MoveToOuterDisposeScope());
            Tensor image = product(basis[^1]);
            diagonal.Add(image.dot(basis[^1]).Value());
            next = Orthogonal(image);
            double length = next.norm().Value();

            // An invariant subspace: T falls into blocks, and a new direction begins the next one.
            bool isClosed = length <= nothing * diagonal.Concat(beside).Max(Math.Abs);
            next = isClosed ? Orthogonal(Unit(Random())) : next;
            bool isExhausted = basis.Count == like.numel() || (isClosed && next.norm().Value() <= nothing);
            next = Unit(next).MoveToOuterDisposeScope();
            beside.Add(isClosed ? 0 : length);
            if (basis.Count >= count && (isExhausted || basis.Count == most || basis.Count % BetweenLooks == 0))
            {
                (double[] values, double error) = Largest(diagonal, beside, count);
                if (error <= tolerance || isExhausted)
                {
                    return values;
                }
            }

            if (basis.Count == most)
            {
                throw new WorkbookException(FormattableString.Invariant(
                    $"{count} eigenvalues are not known to {tolerance} after {steps} Hessian-vector products: allow more steps, or a larger tolerance"));
            }
        }

        static Tensor Unit(Tensor vector) => vector.div(vector.norm());

        Tensor Random() => randn(like.shape, generator: generator).to(like.dtype, like.device);

        // Once leaves rounding errors that grow from step to step; twice is enough (Giraud et al. 2005).
        Tensor Orthogonal(Tensor vector)
        {
            for (int i = 0; i < 2 && basis.Count > 0; i++)
            {
                using Tensor all = stack(basis);
                vector = vector.sub(all.t().mv(all.mv(vector)));
            }

            return vector;
        }
    }

    /// <summary>The largest eigenvalues of the tridiagonal matrix, and by how much the worst of them can be wrong, relative to the largest size of
    /// any.</summary>
    private static (double[] Values, double Error) Largest(List<double> diagonal, List<double> beside, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor middle = diag(tensor(diagonal.ToArray())), off = diag(tensor(beside.SkipLast(1).ToArray()), 1);
        (Tensor rising, Tensor vectors) = linalg.eigh(beside.Count > 1 ? middle.Plus(off.Plus(off.t())) : middle);
        Tensor errors = vectors[-1].abs().Times(beside[^1]).narrow(0, diagonal.Count - count, count);
        return ([.. rising.data<double>().ToArray().Reverse().Take(count)], errors.max().div(rising.abs().max().AtLeast(double.Epsilon)).Value());
    }
}
