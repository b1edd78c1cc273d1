using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// What the other weights do when some go: the fifth part of a pruning method, beside saliency, granularity, scope and schedule. A new one is one class.
/// </summary>
public abstract class Compensation
{
    /// <summary>Sets the pruned weights of a model to 0 and lets the others make up for them.</summary>
    /// <param name="model">The model with the weights that the mask was chosen for; changed in place.</param>
    /// <param name="mask">What is left.</param>
    /// <exception cref="WorkbookException">The mask does not fit the model or what is known of it, or what is needed is singular or not a number.</exception>
    public void Apply(nn.Module model, Mask mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        List<(Parameter Parameter, Tensor Moved)> moved = [];
        foreach ((string name, Parameter parameter, Tensor kept) in mask.FitTo(model).Where(p => mask.SparsityOf(p.Name) > 0))
        {
            if (!parameter.isfinite().all().item<bool>())
            {
                throw new WorkbookException($"'{name}' holds NaN or infinity: start from another model");
            }

            using DisposeScope one = NewDisposeScope();
            moved.Add((parameter, Moved(name, parameter, kept).to(parameter.dtype).reshape(parameter.shape).MoveToOuterDisposeScope()));
        }

        // All or none: what fails, fails before a weight has moved.
        moved.ForEach(m => m.Parameter.copy_(m.Moved));
        mask.Apply(model);
    }

    /// <summary>Nothing moves.</summary>
    public static Compensation None { get; } = new Nothing();

    /// <summary>
    /// The best that the kept weights of each output unit can do for its squared error on the calibration's inputs: the masked least-squares solution, at which
    /// OBC arrives for its mask too.
    /// </summary>
    /// <param name="calibration">Of the model before the pruning.</param>
    public static Compensation LeastSquares(Calibration calibration) => new MaskedLeastSquares(calibration);

    /// <summary>A parameter's weights after the others have moved; what it holds at pruned places does not matter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="weight">The parameter; it stays as it is.</param>
    /// <param name="kept">Bool, of its shape.</param>
    /// <returns>As many numbers, in any shape and dtype.</returns>
    protected abstract Tensor Moved(string name, Parameter weight, Tensor kept);

    private sealed class Nothing : Compensation
    {
        protected override Tensor Moved(string name, Parameter weight, Tensor kept) => weight.detach();

        public override string ToString() => "no compensation";
    }

    private sealed class MaskedLeastSquares(Calibration calibration) : Compensation
    {
        protected override Tensor Moved(string name, Parameter weight, Tensor kept)
        {
            Tensor matrix = calibration.Matrix(name, weight).clone(), left = kept.reshape(matrix.shape), hessian = calibration.Hessian(name);
            for (long g = 0; g < matrix.shape[0]; g++)
            {
                Tensor target = matrix[g].matmul(hessian[g]); // [rows, inputs]
                for (long row = 0; row < matrix.shape[1]; row++)
                {
                    using DisposeScope scope = NewDisposeScope();
                    Tensor at = left[g, row].nonzero().flatten();
                    if (at.numel() == 0 || at.numel() == matrix.shape[2])
                    {
                        continue;
                    }

                    Tensor factor = Positive.Factor(hessian[g].index_select(0, at).index_select(1, at), () => calibration.Singular(name));
                    matrix[g, row].index_copy_(0, at, target[row].index_select(0, at).unsqueeze(1).cholesky_solve(factor).squeeze(1));
                }
            }

            return matrix;
        }

        public override string ToString() => "least squares by layer";
    }
}
