using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A bent path between two solutions: (1 − α)²·start + 2α(1 − α)·bend + α²·end, with the bend trained so that the loss is
/// low all along (Garipov et al. 2018, section 3.2).
/// </summary>
public static class BezierCurve
{
    /// <summary>The curve as a path for <see cref="Paths.Score"/>.</summary>
    /// <param name="start">[parameters].</param>
    /// <param name="bend">[parameters].</param>
    /// <param name="end">[parameters].</param>
    public static Func<double, Tensor> Through(Tensor start, Tensor bend, Tensor end) =>
        alpha => start.Times((1 - alpha) * (1 - alpha)).Plus(bend.Times(2 * alpha * (1 - alpha))).Plus(end.Times(alpha * alpha));

    /// <summary>
    /// Finds the bend: from the middle of the line, by descent on the loss at a random place of the
    /// curve in each step.
    /// </summary>
    /// <param name="model">A network of the kind; it is the working space, in training mode; its weights, buffers, gradients and mode are put back, also when
    /// this fails.</param>
    /// <param name="start">[parameters].</param>
    /// <param name="end">[parameters]; coordinates that are 0 at both ends stay 0.</param>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Epochs, batch size, learning rates, optimizer.</param>
    /// <param name="seed">Of the places and of the order of the examples.</param>
    /// <returns>The bend, [parameters].</returns>
    /// <exception cref="WorkbookException">An end does not fit the network, or the training diverges.</exception>
    public static Tensor Bend(nn.Module<Tensor, Tensor> model, Tensor start, Tensor end, LabelledTensors data, Recipe recipe, int seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(end);
        ArgumentNullException.ThrowIfNull(recipe);
        long coordinates = model.parameters().Sum(p => p.numel());
        if (!start.shape.SequenceEqual([coordinates]) || !end.shape.SequenceEqual([coordinates]))
        {
            throw new WorkbookException($"the network has {coordinates} parameters, the ends of the curve are [{string.Join(", ", start.shape)}] and "
                + $"[{string.Join(", ", end.shape)}]: take Point.Of networks of its kind");
        }

        recipe.RefuseBatchOfOne(model, data);
        double[] bend = Kept.Numbers("bend", [model, start, end, data, $"{recipe}", seed], () =>
        {
            using Tensor trained = Train(model, start, end, data, recipe, seed);
            return [.. trained.to(ScalarType.Float64).data<double>()];
        });
        using Tensor numbers = from_array(bend);
        return numbers.to(start.dtype, start.device, copy: true);
    }

    private static Tensor Train(nn.Module<Tensor, Tensor> model, Tensor start, Tensor end, LabelledTensors data, Recipe recipe, int seed)
    {
        Parameter[] parameters = [.. model.parameters()];
        using DisposeScope scope = NewDisposeScope();
        Tensor before = Point.Of(model);
        using ModelGuard guard = new(model, training: true);
        Tensor open = start.ne(HeldNumbers.Zero).logical_or(end.ne(HeldNumbers.Zero)).to(start.dtype);
        using Parameter bend = new(start.Plus(end).Over(2));
        using Generator places = RandomStream.Of(seed, "bezier");
        try
        {
            Trainer.Descend(data, recipe, [bend], seed, (inputs, labels) =>
            {
                double alpha = rand(1, generator: places).item<float>();
                using (IDisposable noGrad = no_grad())
                {
                    model.MoveTo(Through(start, bend, end)(alpha));
                }

                foreach (Parameter parameter in parameters)
                {
                    parameter.grad = null;
                }

                Tensor loss = nn.functional.cross_entropy(model.forward(inputs), labels);
                loss.backward();
                using IDisposable still = no_grad();
                bend.grad = cat([.. parameters.Select(p => (p.grad ?? zeros_like(p)).flatten())]).Times(2 * alpha * (1 - alpha)).mul(open);
                return loss;
            }, optimizer => optimizer.step());
            return bend.detach().clone().MoveToOuterDisposeScope();
        }
        finally
        {
            model.MoveTo(before);
        }
    }
}
